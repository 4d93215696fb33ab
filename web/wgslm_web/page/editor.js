// Edits a message in its place.

import { element } from "./dom.js";

const SAVED = { user: "Send again", assistant: "Keep this text" };

/** Replace a message's text by a box to write in; `take(text)` gets what was changed. */
export function openEditor({ element: article, body, message }, take) {
  if (article.classList.contains("edited")) return;
  const box = element("textarea", { className: "edit", value: message.content, dir: "auto" });
  box.setAttribute("aria-label", "New text");
  const close = () => {
    form.remove();
    article.classList.remove("edited");
    article.querySelector(".tools > button:not(:disabled)")?.focus();
  };
  const form = formOf(box, message.role, close, () => {
    const text = box.value.trim();
    close();
    if (text && text !== message.content) take(text);
  });
  article.classList.add("edited");
  body.after(form);
  box.focus();
}

function formOf(box, role, close, save) {
  const drop = element("button", { type: "button", className: "quiet", textContent: "Discard", onclick: close });
  const keep = element("button", { type: "submit", textContent: SAVED[role] });
  keep.classList.add(role === "user" ? "asks" : "changes"); // disabled while an answer runs
  const form = element("form", { className: "editor" }, box, element("div", { className: "row" }, drop, keep));
  form.addEventListener("submit", (event) => (event.preventDefault(), keep.disabled || save()));
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") (event.stopPropagation(), close());
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  return form;
}
