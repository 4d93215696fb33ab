// Copies text and says on the button whether that went well.

import { announce } from "./announcer.js";

const SHOWN_MS = 1500;

export async function copyText(text, button) {
  const before = button.dataset.text ?? button.ariaLabel ?? button.textContent;
  button.dataset.text = before;
  const said = (await isCopied(text)) ? "Copied" : "The browser does not allow copying";
  say(button, said);
  announce(said);
  setTimeout(() => say(button, before, true), SHOWN_MS);
}

async function isCopied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** Buttons with an icon say it in their name; others also in their text. */
function say(button, text, isOver = false) {
  button.classList.toggle("said", !isOver);
  button.setAttribute("aria-label", text);
  button.title = text;
  if (!button.querySelector("svg")) button.textContent = isOver ? "Copy" : text;
}
