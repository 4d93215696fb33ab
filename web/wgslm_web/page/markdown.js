// Markdown of a growing answer to safe DOM, redoing only the blocks at its end.

import { Marked } from "./vendor/marked.js";
import DOMPurify from "./vendor/purify.js";

const UNSETTLED = 3; // a list, a blank line and what follows may still become one list
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
  #settled = 0; // characters whose blocks will not change any more
  #settledNodes = 0;
  #text = "";

  constructor(element) {
    this.#element = element;
  }

  update(text) {
    if (!text.startsWith(this.#text.slice(0, this.#settled))) this.#reset();
    this.#text = text;
    const blocks = marked.lexer(text.slice(this.#settled));
    this.#dropUnsettled();
    const keep = Math.max(0, blocks.length - UNSETTLED);
    this.#append(blocks.slice(0, keep), blocks.links);
    this.#settled += blocks.slice(0, keep).reduce((sum, block) => sum + block.raw.length, 0);
    this.#settledNodes = this.#element.childNodes.length;
    this.#append(blocks.slice(keep), blocks.links);
  }

  #reset() {
    this.#settled = this.#settledNodes = 0;
  }

  #dropUnsettled() {
    const nodes = this.#element.childNodes;
    while (nodes.length > this.#settledNodes) nodes[nodes.length - 1].remove();
  }

  #append(blocks, links) {
    if (!blocks.length) return;
    const html = marked.parser(Object.assign(blocks, { links }));
    const fragment = DOMPurify.sanitize(html, SAFE);
    for (const link of fragment.querySelectorAll("a")) {
      Object.assign(link, { target: "_blank", rel: "noopener noreferrer nofollow" });
    }
    for (const table of fragment.querySelectorAll("table")) wrap(table);
    this.#element.append(fragment);
  }
}

function wrap(table) {
  const box = document.createElement("div");
  box.className = "wide";
  table.replaceWith(box);
  box.append(table);
}
