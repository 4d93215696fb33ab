// A line that says what was done and can be undone; it goes by itself, but not under somebody's hand.

import { byId } from "./dom.js";

const SHOWN_MS = 10_000;
const UNDO_MS = 60_000; // to reach a button takes longer than to read, with a keyboard above all
let timer = 0;

/** Show a sentence, with a button if there is {label, run}. */
export function showNotice(text, action = null) {
  const [box, button] = [byId("notice"), byId("notice-action")];
  byId("notice-text").textContent = text;
  button.hidden = !action;
  if (action) Object.assign(button, { textContent: action.label, onclick: () => (hide(), action.run()) });
  box.classList.add("shown");
  clearTimeout(timer);
  timer = setTimeout(hideUnlessHeld, action ? UNDO_MS : SHOWN_MS);
}

function hideUnlessHeld() {
  if (byId("notice").matches(":hover, :focus-within")) timer = setTimeout(hideUnlessHeld, SHOWN_MS);
  else hide();
}

function hide() {
  clearTimeout(timer);
  byId("notice").classList.remove("shown");
  byId("notice-text").textContent = "";
  byId("notice-action").hidden = true;
}
