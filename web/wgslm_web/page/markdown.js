// Markdown of a growing answer to safe DOM. A draw costs the same however long the answer is:
// blocks that cannot change any more are settled, and a block that grows too long is cut in two.

import { Marked } from "./vendor/marked.js";
import DOMPurify from "./vendor/purify.js";

const OPEN_BLOCKS = 3; // a list, a blank line and what follows may still become one list
const OPEN_LENGTH = 1500; // characters that a draw may do again
const STEP_LENGTH = 2000; // new characters that a draw takes; the rest waits for the next one
const SAFE = {
  ALLOWED_TAGS: [
    ..."p br em strong del code pre a ul ol li blockquote hr".split(" "),
    ..."h1 h2 h3 h4 h5 h6 table thead tbody tr th td".split(" "),
  ],
  ALLOWED_ATTR: ["href", "start", "align", "class"],
  ALLOWED_URI_REGEXP: /^(https?:|mailto:)/i,
  ADD_URI_SAFE_ATTR: ["align", "start", "class"], // or the line above would judge them too
  RETURN_DOM_FRAGMENT: true,
};

const escape = (text) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

const marked = new Marked({
  gfm: true,
  renderer: {
    html: ({ text }) => escape(text), // what the model wrote is shown, not run
    image: ({ href, text }) => `<a href="${escape(href)}">${escape(text || href)}</a>`,
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
  },
});

/** Shows one text in one element; `update` may be called with ever longer texts. */
export class MarkdownView {
  #element;
  #shown = ""; // the part of the text that is drawn
  #settled = 0; // characters whose blocks are final
  #nodes = 0; // DOM nodes of those
  #prefix = ""; // what a cut block needs to go on: its fence, its table head

  constructor(element) {
    this.#element = element;
  }

  /** Draw the text, or as much of it as a frame allows; say whether that is all of it. */
  update(text) {
    if (!text.startsWith(this.#shown)) this.#reset();
    this.#shown = text.slice(0, this.#shown.length + STEP_LENGTH);
    while (this.#element.childNodes.length > this.#nodes) this.#element.lastChild.remove();
    const source = this.#prefix + this.#shown.slice(this.#settled);
    const open = this.#settle(source, marked.lexer(source));
    this.#append(open);
    return this.#shown.length === text.length;
  }

  #reset() {
    this.#shown = this.#prefix = "";
    this.#settled = this.#nodes = 0;
  }

  /** Draw for good what will not change; return the blocks that still may. */
  #settle(source, blocks) {
    const open = openBlocks(blocks);
    const done = blocks.slice(0, blocks.length - open.length);
    if (done.length) this.#finish(done, lengthOf(done), "");
    const last = open.at(-1);
    if (!last || last.raw.length <= OPEN_LENGTH) return open;
    const { head, prefix, length } = cut(last);
    this.#finish(marked.lexer(head), length, prefix);
    return marked.lexer(prefix + last.raw.slice(length));
  }

  #finish(blocks, length, prefix) {
    this.#append(blocks);
    this.#nodes = this.#element.childNodes.length;
    this.#settled += length - this.#prefix.length;
    this.#prefix = prefix;
  }

  #append(blocks) {
    if (!blocks.length) return;
    const html = marked.parser(Object.assign(blocks, { links: blocks.links ?? {} }));
    const fragment = DOMPurify.sanitize(html, SAFE);
    for (const link of fragment.querySelectorAll("a")) {
      Object.assign(link, { target: "_blank", rel: "noopener noreferrer nofollow" });
    }
    for (const table of fragment.querySelectorAll("table")) wrap(table);
    this.#element.append(fragment);
  }
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
function cut({ type, raw }) {
  const length = cutPlace(type, raw);
  const fence = /^ {0,3}(`{3,}|~{3,})[^\n]*\n/.exec(raw);
  if (type === "code" && fence) {
    return { head: `${raw.slice(0, length)}${fence[1]}`, prefix: fence[0], length };
  }
  const tableHead = /^[^\n]*\n[^\n]*\n/.exec(raw);
  const prefix = type === "table" && tableHead ? tableHead[0] : "";
  return { head: raw.slice(0, length), prefix, length };
}

/** Where to cut: before a list's last item, else at a line's end, else after a word. */
function cutPlace(type, raw) {
  const early = raw.length - OPEN_LENGTH / 2;
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

function wrap(table) {
  const box = document.createElement("div");
  box.className = "wide";
  table.replaceWith(box);
  box.append(table);
}
