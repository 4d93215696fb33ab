// The list of conversations beside the one that is shown: open, search, rename, delete.

import { byId, element, iconButton, isComposing } from "./dom.js";

const SHOWN = 100; // more are behind a button
const WAIT_MS = 200;
const DAY_MS = 86_400_000;

export class Shelf {
  #all = [];
  #found = null; // ids whose messages have what is searched
  #most = SHOWN;
  #drawn = "";
  #timer = 0;

  /** `actions`: open(id), rename(id, title), remove(id), search(text, isOver). */
  constructor(actions) {
    this.actions = actions;
    this.list = byId("chat-list");
    this.search = byId("search");
    this.search.addEventListener("input", () => this.#searched());
    this.list.addEventListener("click", ({ target }) => {
      if (target.closest(".open")) this.actions.open(target.closest(".chat").dataset.id);
    });
    for (const type of ["pointerover", "focusin"]) {
      this.list.addEventListener(type, ({ target }) => this.#equip(target.closest(".chat")));
    }
    byId("more-chats").addEventListener("click", () => this.#drawMore());
  }

  /** Show these facts of conversations; `current` is open, `answering` is being answered. */
  show(all, current, answering) {
    Object.assign(this, { current, answering });
    this.#all = all;
    this.#draw();
  }

  #searched() {
    clearTimeout(this.#timer);
    this.#found = null;
    this.#draw();
    if (this.#asked) this.#timer = setTimeout(() => this.#searchMessages(this.#asked), WAIT_MS);
  }

  get #asked() {
    return this.search.value.trim().toLowerCase();
  }

  async #searchMessages(text) {
    const found = await this.actions.search(text, () => text !== this.#asked);
    if (text !== this.#asked) return;
    this.#found = found;
    this.#draw();
  }

  #matches({ id, title }) {
    const asked = this.#asked;
    return !asked || title.toLowerCase().includes(asked) || this.#found?.has(id);
  }

  #drawMore() {
    this.#most += SHOWN;
    this.#draw();
  }

  #draw() {
    const fitting = this.#all.filter((facts) => this.#matches(facts));
    const shown = fitting.slice(0, this.#most).map((facts) => ({ ...facts, group: groupOf(facts.changed) }));
    const key = JSON.stringify([this.current, this.answering, shown.map(({ id, title, group }) => [id, title, group])]);
    byId("more-chats").hidden = fitting.length <= this.#most;
    byId("no-chats").hidden = fitting.length > 0;
    byId("no-chats").textContent = this.#asked ? "Nothing found." : "What you talk about is kept here, in this browser only.";
    if (key === this.#drawn || this.list.querySelector("input")) return;
    this.#drawn = key;
    const focus = document.activeElement?.closest?.("#chat-list [data-id]")?.dataset.id;
    this.list.replaceChildren(...this.#rows(shown));
    if (focus) this.list.querySelector(`[data-id="${CSS.escape(focus)}"] .open`)?.focus();
  }

  #rows(shown) {
    const rows = [];
    let group = "";
    for (const facts of shown) {
      if (facts.group !== group) rows.push(element("li", { className: "group", textContent: facts.group }));
      group = facts.group;
      rows.push(this.#row(facts));
    }
    return rows;
  }

  #row({ id, title }) {
    const name = title || "Untitled";
    const open = element("button", { type: "button", className: "open", textContent: name, title: name, dir: "auto" });
    const row = element("li", { className: "chat" }, open);
    row.dataset.id = id;
    row.classList.toggle("answering", id === this.answering);
    if (id === this.current) open.setAttribute("aria-current", "true");
    if (id === this.current || matchMedia("(hover: none)").matches) this.#equip(row);
    return row;
  }

  /** Give a row its tools. They come with the pointer or the focus: two icons take 10 KB of memory. */
  #equip(row) {
    const open = row?.lastElementChild;
    if (!open?.matches(".open")) return; // it has them, or is being renamed
    const { id } = row.dataset;
    const rename = iconButton("edit", `Rename ${open.title}`, () => this.#rename(row, id));
    const remove = iconButton("bin", `Delete ${open.title}`, () => this.actions.remove(id));
    row.append(rename, remove);
  }

  #rename(row, id) {
    const { title } = this.#all.find((facts) => facts.id === id);
    const input = element("input", { value: title, dir: "auto", maxLength: 200 });
    input.setAttribute("aria-label", "New name");
    const end = (isKept) => {
      input.onblur = null;
      input.remove(); // so that drawing is allowed again
      this.#drawn = "";
      if (isKept && input.value.trim()) this.actions.rename(id, input.value.trim());
      this.#draw();
      this.list.querySelector(`[data-id="${CSS.escape(id)}"] .open`)?.focus();
    };
    input.onblur = () => end(true);
    input.onkeydown = (event) => {
      if (event.key === "Escape") (event.stopPropagation(), end(false));
      else if (event.key === "Enter" && !isComposing(event)) end(true);
    };
    row.replaceChildren(input);
    input.select();
  }
}

function groupOf(changed) {
  const days = Math.floor((new Date().setHours(24, 0, 0, 0) - changed) / DAY_MS);
  if (days < 1) return "Today";
  if (days < 2) return "Yesterday";
  return days < 7 ? "The last 7 days" : "Earlier";
}
