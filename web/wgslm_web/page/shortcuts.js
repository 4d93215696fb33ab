// Keys, and the sheet that lists them. All but Escape need Ctrl, Cmd or Alt: no letter alone does anything.

import { byId, element, isComposing } from "./dom.js";

const isMac = /mac|iphone|ipad/i.test(navigator.userAgentData?.platform ?? navigator.platform ?? "");
const MOD = isMac ? "⌘" : "Ctrl";
const KEYS = [
  { keys: [MOD, "/"], what: "This sheet", code: "Slash", run: "help" },
  { keys: [MOD, "Shift", "O"], what: "New chat", code: "KeyO", shift: true, run: "create" },
  { keys: [MOD, "K"], what: "Search the conversations", code: "KeyK", run: "search" },
  { keys: [MOD, "Shift", "Enter"], what: "Answer again", code: "Enter", shift: true, run: "regenerate" },
  { keys: [MOD, "Shift", "E"], what: "Edit the last question", code: "KeyE", shift: true, run: "edit" },
  { keys: [MOD, "Shift", "Y"], what: "Copy the last answer", code: "KeyY", shift: true, run: "copy" },
  { keys: [MOD, "Shift", "M"], what: "Model and settings", code: "KeyM", shift: true, run: "side" },
  { keys: ["Shift", "Esc"], what: "Go to the message box" },
  { keys: ["Esc"], what: "Stop the answer, close what is open" },
  { keys: ["Enter"], what: "Send" },
  { keys: ["Shift", "Enter"], what: "A new line" },
  { keys: [MOD, "Enter"], what: "Keep what was edited" },
];

/** `actions` are by the names in `run`, and `focus`. */
export function listenForShortcuts(actions) {
  byId("help-keys").replaceChildren(...KEYS.map(row));
  document.addEventListener("keydown", (event) => {
    if (isComposing(event) || document.querySelector("dialog[open]")) return;
    const found = KEYS.find((key) => key.run && matches(key, event));
    const run = found ? actions[found.run] : event.key === "Escape" && event.shiftKey ? actions.focus : null;
    if (!run) return;
    event.preventDefault();
    run();
  });
}

function matches({ code, shift = false }, event) {
  const hasMod = isMac ? event.metaKey : event.ctrlKey;
  const isCode = event.code === code || (code === "Slash" && event.key === "/"); // on Shift+7 in some places
  return hasMod && isCode && !event.altKey && (event.shiftKey === shift || event.key === "/");
}

function row({ keys, what }) {
  const shown = keys.flatMap((key, i) => [i ? " + " : "", element("kbd", { textContent: key })]);
  return element("div", {}, element("dt", {}, ...shown), element("dd", { textContent: what }));
}
