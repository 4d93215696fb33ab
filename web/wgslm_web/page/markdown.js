// Markdown of a growing answer. A draw costs the same however long the answer is: blocks that cannot
// change any more are settled, and a block that grows too long is cut in two.

// The libraries behind it come in a task of their own: with the page's first one they would block it.
let render = null;
let isPlain = false; // where they did not come: text without its form is better than none
import("./render.js").then((found) => (render = found), () => (isPlain = true));

const OPEN_BLOCKS = 3; // a list, a blank line and what follows may still become one list
const OPEN_LENGTH = 1500; // characters that a draw may do again
const OPEN_CODE = 800; // the same of code, whose colours cost more
const STEP_LENGTH = 500; // new characters that a draw takes; the rest waits for the next one

/** Shows one text in one element; `update` may be called with ever longer texts. */
export class MarkdownView {
  #element;
  #shown = ""; // the part of the text that is drawn
  #settled = 0; // characters whose blocks are final
  #open = []; // the nodes of the others
  #links = Object.create(null); // that the text has defined so far
  #prefix = ""; // what a cut block needs to go on: its fence, its table head
  #isInLine = false; // the block was cut within a line

  constructor(element) {
    this.#element = element;
  }

  /** Draw the text, or as much of it as a frame allows; say whether that is all of it. */
  update(text) {
    if (!render) return this.#wait(text);
    if (!text.startsWith(this.#shown)) this.#reset();
    if (text === this.#shown) return true;
    this.#shown = text.slice(0, this.#shown.length + STEP_LENGTH);
    for (const node of this.#open) node.remove();
    const source = this.#prefix + this.#shown.slice(this.#settled);
    const open = this.#settle(render.blocksOf(source, this.#links));
    this.#open = this.#append(open);
    return this.#shown.length === text.length;
  }

  #wait(text) {
    if (isPlain) this.#element.textContent = text;
    return isPlain || !text;
  }

  #reset() {
    this.#shown = this.#prefix = "";
    this.#settled = 0;
    this.#links = Object.create(null);
    this.#open = [];
    this.#element.replaceChildren();
  }

  /** Draw for good what will not change; return the blocks that still may. */
  #settle(blocks) {
    const open = openBlocks(blocks);
    const done = blocks.slice(0, blocks.length - open.length);
    if (done.length) this.#finish(done, lengthOf(done), "");
    const last = open.at(-1);
    if (!last || last.raw.length <= longest(last)) return open;
    const { head, prefix, length } = cut(last);
    this.#finish(render.blocksOf(head, this.#links), length, prefix);
    this.#isInLine = last.raw[length - 1] !== "\n";
    return render.blocksOf(prefix + last.raw.slice(length), this.#links);
  }

  #finish(blocks, length, prefix) {
    for (const { type, tag, href, title } of blocks) if (type === "def") this.#links[tag] ??= { href, title };
    this.#append(blocks);
    this.#settled += length - this.#prefix.length;
    this.#prefix = prefix;
  }

  /** Add blocks; return the nodes that came. A cut block goes on in the one before it. */
  #append(blocks) {
    if (!blocks.length) return [];
    const fragment = render.fragmentOf(blocks);
    const rest = this.#prefix ? this.#goOn(fragment.firstElementChild) : [];
    const nodes = [...rest, ...fragment.childNodes];
    this.#element.append(fragment);
    return nodes;
  }

  /** Move what a cut block holds to where its first part is; return the nodes that were moved. */
  #goOn(block) {
    const place = (element) => element?.querySelector(":scope > pre > code, :scope > table > tbody");
    const [from, to] = [place(block), place(this.#element.lastElementChild)];
    if (!from || from.localName !== to?.localName) return [];
    block.remove();
    const isCode = from.localName === "code";
    if (isCode && !from.textContent) return [];
    const isInLine = isCode && this.#isInLine;
    const nodes = [...(isInLine ? from.firstElementChild : from).childNodes];
    if (isCode && !isInLine) nodes.unshift(lineEnd());
    (isInLine ? to.lastElementChild : to).append(...nodes);
    return nodes;
  }
}

/** What is copied between two pieces of code, which are lines of their own already. */
function lineEnd() {
  return Object.assign(document.createElement("span"), { hidden: true, textContent: "\n" });
}

function longest({ type }) {
  return type === "code" ? OPEN_CODE : OPEN_LENGTH;
}

/** The last blocks that together are short enough to draw again; at least one. */
function openBlocks(blocks) {
  let count = Math.min(1, blocks.length);
  while (count < Math.min(OPEN_BLOCKS, blocks.length)) {
    if (lengthOf(blocks.slice(-count - 1)) > OPEN_LENGTH) break;
    count += 1;
  }
  return count ? blocks.slice(-count) : [];
}

/** Cut a long block in two: `head` is whole Markdown, `prefix` begins what comes after `length`. */
function cut(block) {
  const { type, raw } = block;
  const length = cutPlace(block);
  const fence = /^ {0,3}(`{3,}|~{3,})[^\n]*\n/.exec(raw);
  if (type === "code" && fence) {
    return { head: `${raw.slice(0, length).replace(/\n?$/, "\n")}${fence[1]}`, prefix: fence[0], length };
  }
  const tableHead = /^[^\n]*\n[^\n]*\n/.exec(raw);
  const prefix = type === "table" && tableHead ? tableHead[0] : "";
  return { head: raw.slice(0, length), prefix, length };
}

/** Where to cut: before a list's last item, else at a line's end, else after a word. */
function cutPlace(block) {
  const { type, raw } = block;
  const early = raw.length - longest(block) / 2;
  const items = type === "list" ? [...raw.matchAll(/^ {0,3}([-*+]|\d+[.)]) /gm)] : [];
  const item = items.at(-1)?.index ?? 0;
  if (item > early / 2) return item;
  const line = raw.lastIndexOf("\n", raw.length - 2) + 1;
  if (line > early / 2) return line;
  const word = raw.lastIndexOf(" ", raw.length - 2) + 1;
  return word > early / 2 ? word : Math.floor(early);
}

function lengthOf(blocks) {
  return blocks.reduce((sum, block) => sum + block.raw.length, 0);
}
