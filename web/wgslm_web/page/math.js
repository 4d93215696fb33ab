// Formulas: $...$ and \(...\) in a line, $$...$$ and \[...\] as blocks. Temml draws them as MathML;
// it comes when the first formula does, and until then the TeX is shown.

import { whenIdle } from "./dom.js";

const LONGEST = 2000; // characters; a longer one stays TeX
const OPTIONS = { throwOnError: false, trust: false, strict: false, maxSize: [20, 100], maxExpand: 200 };

let temml = null;
let loading = null;

const tokenOf = (type, isBlock, match) =>
  match ? { type, isBlock, raw: match[0], tex: match.slice(1).find((part) => part !== undefined) } : undefined;

/** What marked needs to find formulas, the renderer apart. */
export const MATH = [
  {
    name: "mathBlock",
    level: "block",
    start: (text) => /(?:^|\n) {0,3}(?:\$\$|\\\[)/.exec(text)?.index,
    tokenizer: (text) =>
      tokenOf("mathBlock", true, /^ {0,3}(?:\$\$([^$]+?)\$\$|\\\[([^]+?)\\\])[ \t]*(?:\n|$)/.exec(text)),
  },
  {
    name: "mathInline",
    level: "inline",
    start: (text) => /\$|\\\(|\\\[/.exec(text)?.index,
    tokenizer: (text) =>
      tokenOf("mathInline", false,
        /^(?:\$\$([^$\n]+?)\$\$|\$(?![\s$])((?:\\.|[^$\\\n])*?[^\s$\\])\$(?![\d$])|\\\((.+?)\\\)|\\\[(.+?)\\\])/.exec(text)),
  },
];

/** Draw a formula where its TeX is, now or as soon as Temml is there. */
export function dressMath(code) {
  if (code.textContent.length > LONGEST) return;
  if (temml) return draw(code);
  loading ??= import("./vendor/temml.js").then(({ default: found }) => (temml = found));
  loading.then(() => whenIdle(() => code.isConnected && draw(code)));
}

function draw(code) {
  const place = document.createElement("span");
  const displayMode = code.className === "tex-block";
  place.className = displayMode ? "math block" : "math";
  try {
    temml.render(code.textContent, place, { ...OPTIONS, displayMode });
  } catch {
    return; // not TeX after all
  }
  code.replaceWith(place);
}
