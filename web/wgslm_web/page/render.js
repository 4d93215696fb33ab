// Markdown blocks to DOM that can do no harm: what the model wrote is shown, never run or fetched.

import { Lexer, Marked, Tokenizer } from "./vendor/marked.js";
import DOMPurify from "./vendor/purify.js";
import { dressCode } from "./code.js";
import { dressMath, MATH } from "./math.js";

const SAFE = {
  ALLOWED_TAGS: [
    ..."p br em strong del code pre a ul ol li blockquote hr".split(" "),
    ..."h1 h2 h3 h4 h5 h6 table thead tbody tr th td".split(" "),
  ],
  ALLOWED_ATTR: ["href", "start", "align", "class"],
  ALLOWED_URI_REGEXP: /^(https?:|mailto:)/i,
  ADD_URI_SAFE_ATTR: ["align", "start", "class"], // or the line above would judge them too
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

const DEEPEST = 20; // quotes in quotes; every level is parsed and laid out again with each word that comes

const TEXTS = "p, ul, ol, h1, h2, h3, h4, h5, h6, td, th, blockquote"; // each has a direction of its own

const escape = (text) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

let depth = 0;

/** A quote, unless it is nested too deep: then its marks are text. */
function blockquote(source) {
  if (depth === DEEPEST) return undefined;
  depth += 1;
  try {
    return Tokenizer.prototype.blockquote.call(this, source);
  } finally {
    depth -= 1;
  }
}

const marked = new Marked({
  gfm: true,
  tokenizer: { blockquote },
  extensions: MATH.map((kind) => ({ ...kind, renderer: ({ tex, isBlock }) => mathHtml(escape(tex), isBlock) })),
  renderer: {
    html: ({ text }) => escape(text),
    image: ({ href, text }) => `<a href="${escape(href)}">${escape(text || href)}</a>`,
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
  },
});

const mathHtml = (tex, isBlock) => (isBlock ? `<p><code class="tex-block">${tex}</code></p>` : `<code class="tex">${tex}</code>`);

/** Read Markdown; `links` are the addresses of [texts][like this] that came before. */
export function blocksOf(source, links) {
  const lexer = new Lexer(marked.defaults);
  Object.assign(lexer.tokens.links, links);
  return lexer.lex(source);
}

/** Turn blocks of `blocksOf` into DOM. */
export function fragmentOf(blocks) {
  const html = marked.parser(blocks);
  const fragment = DOMPurify.sanitize(html, SAFE);
  for (const link of fragment.querySelectorAll("a")) {
    Object.assign(link, { target: "_blank", rel: "noopener noreferrer nofollow" });
  }
  for (const block of fragment.querySelectorAll(TEXTS)) block.dir = "auto";
  for (const table of fragment.querySelectorAll("table")) wrap(table);
  for (const block of fragment.querySelectorAll("pre")) dressCode(block);
  for (const code of fragment.querySelectorAll(".tex, .tex-block")) dressMath(code);
  return fragment;
}

/** A box that scrolls sideways, by keys too. */
function wrap(table) {
  const box = document.createElement("div");
  box.className = "wide";
  box.tabIndex = 0;
  box.role = "region";
  box.ariaLabel = "Table";
  table.replaceWith(box);
  box.append(table);
}
