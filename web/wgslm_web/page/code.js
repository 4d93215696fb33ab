// Code blocks: the language, a copy button, colours. The highlighter comes when the first one does.

import DOMPurify from "./vendor/purify.js";
import { copyText } from "./clipboard.js";
import { whenIdle } from "./dom.js";

const COLOURS = { ALLOWED_TAGS: ["span"], ALLOWED_ATTR: ["class"], RETURN_DOM_FRAGMENT: true };
const LONGEST = 6000; // characters that are coloured at a time
const LONG_LINE = /[^\n]{300}/; // machine-made: thousands of coloured words in a line are slow to lay out

let highlighter = null;
let loading = null;

/** Put a block of `<pre><code>` into its frame. */
export function dressCode(block) {
  const code = block.querySelector("code");
  if (!code) return;
  const piece = document.createElement("span"); // of a block that is cut there will be more, each laid out for itself
  piece.className = "piece";
  piece.textContent = code.textContent.replace(/\n$/, "");
  code.replaceChildren(piece);
  const language = /(?:^| )language-(\S+)/.exec(code.className)?.[1] ?? "";
  const frame = document.createElement("figure");
  frame.className = "code";
  frame.dir = "ltr";
  block.tabIndex = 0;
  block.ariaLabel = language ? `Code in ${language}` : "Code";
  block.role = "region";
  block.replaceWith(frame);
  frame.append(caption(language, code), block);
  if (language) colour(piece, language);
}

function caption(language, code) {
  const head = document.createElement("figcaption");
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "quiet copy-code", textContent: "Copy" });
  button.setAttribute("aria-label", "Copy the code");
  button.onclick = () => copyText(code.textContent, button);
  head.append(Object.assign(document.createElement("span"), { textContent: language }), button);
  return head;
}

/** Colour now, or as soon as the highlighter is there if the code still is. */
function colour(piece, language) {
  if (highlighter) return paint(piece, language);
  loading ??= import("./vendor/highlight.js").then(({ default: found }) => (highlighter = found));
  loading.then(() => whenIdle(() => piece.isConnected && paint(piece, language)));
}

function paint(piece, language) {
  const text = piece.textContent;
  if (!highlighter.getLanguage(language) || text.length > LONGEST || LONG_LINE.test(text)) return;
  const { value } = highlighter.highlight(text, { language, ignoreIllegals: true });
  piece.replaceChildren(DOMPurify.sanitize(value, COLOURS));
}
