// What people type, press, drop and open: the composer, the two drawers, dropped files.

import { announce } from "./announcer.js";
import { byId as $, element, isComposing } from "./dom.js";
import { dropped } from "./picked.js";
import * as store from "./store.js";

// What the embedded model is good at; tests/engine/test_demo_answers.py asks it each of these.
const IDEAS = [
  "What is wgslm?",
  "Is my chat private?",
  "How do I load a bigger model?",
  "What is a token?",
  "Which model should I load?",
  "Does it work offline?",
];
const DRAFT = "draft.";

/** The box people write in. `send(text)` and `stop()` are called when they ask for it. */
export class Composer {
  #prompt = $("prompt");
  #saveDraft = store.saver(() => this.#keepDraft());
  #id = ""; // of the conversation whose draft this is
  #state = { ready: false, coming: true, running: false, hasFiles: false };
  #waits = false; // what is written is sent as soon as the model is ready

  constructor({ send, stop, typed }) {
    Object.assign(this, { send, stop, typed });
    this.#prompt.addEventListener("input", () => this.#changed());
    listenForKeys(this.#prompt, () => this.#submit(), () => (this.#wait(false), this.#state.running && stop()));
    $("composer").addEventListener("submit", (event) => (event.preventDefault(), this.#submit()));
    $("stop").addEventListener("click", stop);
    showIdeas((text) => this.#write(text));
  }

  get text() {
    return this.#prompt.value.trim();
  }

  /** Show what was typed and not sent in this conversation. */
  show(id) {
    if (this.#id && this.#id !== id) this.#keepDraft();
    if (this.#id === id) return;
    this.#wait(false);
    this.#id = id;
    this.#prompt.value = store.load(DRAFT + id, "", store.isText, "sessionStorage");
    grow(this.#prompt);
    this.refresh();
  }

  focus() {
    this.#prompt.focus();
  }

  /** Take the focus from a button that goes away; on a phone not so that a keyboard pops up. */
  takeFocus() {
    (matchMedia("(pointer: coarse)").matches ? $("scroller") : this.#prompt).focus();
  }

  refresh(changes = {}) {
    Object.assign(this.#state, changes);
    const { ready, coming, running, hasFiles } = this.#state;
    if (this.#waits && ready) setTimeout(() => this.#waits && this.#submit());
    else if (this.#waits && !coming) this.#wait(false);
    const hasFocus = (id) => document.activeElement === $(id);
    const [wasSend, wasStop] = [hasFocus("send"), hasFocus("stop")];
    $("stop").hidden = !running;
    $("send").hidden = running;
    $("send").disabled = !(ready || (coming && !this.#waits)) || !(this.text || hasFiles);
    if (wasSend && running) $("stop").focus();
    else if (wasStop && !running) this.takeFocus();
  }

  #submit() {
    const { text } = this;
    const { ready, running, hasFiles } = this.#state;
    if (!(text || hasFiles) || running) return;
    this.#wait(!ready && this.#state.coming);
    if (!ready) return;
    this.#prompt.value = "";
    this.#changed();
    this.send(text);
  }

  #wait(isWaiting) {
    if (isWaiting === this.#waits) return;
    this.#waits = isWaiting;
    [$("keys").hidden, $("waits").hidden] = [isWaiting, !isWaiting];
    if (isWaiting) announce($("waits").textContent);
    this.refresh();
  }

  #write(text) {
    this.#prompt.value = text;
    this.#changed();
    this.focus();
  }

  #keepDraft() {
    store.save(DRAFT + this.#id, this.#prompt.value, "sessionStorage");
  }

  #changed() {
    this.#wait(false);
    this.#saveDraft();
    grow(this.#prompt);
    this.refresh();
    this.typed();
  }
}

function listenForKeys(prompt, submit, stop) {
  prompt.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.ctrlKey || event.metaKey || isComposing(event)) return;
    event.preventDefault();
    submit();
  });
  document.addEventListener("keydown", (event) => event.key === "Escape" && !event.shiftKey && !closes(event) && stop());
}

/** Whether Escape has something else to do: close what lies over the page, empty the search, end a composition. */
function closes(event) {
  const isSearch = event.target.type === "search" && event.target.value !== "";
  return isSearch || isComposing(event) || document.querySelector("dialog[open], .drawer.covers") !== null;
}

function showIdeas(choose) {
  const button = (text) =>
    element("button", { type: "button", className: "idea", textContent: text, onclick: () => choose(text) });
  $("ideas").append(...IDEAS.map(button));
}

/** Let the box grow with its text; the style sheet bounds it. */
function grow(prompt) {
  if (CSS.supports("field-sizing", "content")) return;
  prompt.style.height = "auto";
  prompt.style.height = `${prompt.scrollHeight}px`;
}

/**
 * A panel beside the conversation. Where there is no room for it, it slides over and takes the focus.
 * Its buttons are `open-<id>` and `close-<id>`.
 */
export class Drawer {
  #panel;
  #narrow;
  #key;

  constructor(id, narrow) {
    this.#panel = $(id);
    this.#narrow = matchMedia(narrow);
    this.#key = `${id}-open`;
    $(`open-${id}`).addEventListener("click", () => this.open());
    $(`close-${id}`).addEventListener("click", () => this.close());
    document.addEventListener("keydown", (event) => event.key === "Escape" && this.#covers && !document.querySelector("dialog[open]") && this.close());
    document.addEventListener("pointerdown", ({ target }) => this.#covers && !this.#panel.contains(target) && this.close());
    this.#narrow.addEventListener("change", () => this.#show(this.#isWanted));
    this.#show(this.#isWanted);
  }

  open() {
    this.#change(true);
  }

  close() {
    this.#change(false);
  }

  toggle() {
    this.#change(!this.#isShown);
  }

  /** Whether it was open when there was last room for it. */
  get #isWanted() {
    return !this.#narrow.matches && store.load(this.#key, this.#panel.dataset.open === "yes");
  }

  get #isShown() {
    return document.body.classList.contains(this.#key);
  }

  get #covers() {
    return this.#narrow.matches && this.#isShown;
  }

  #change(isShown) {
    if (isShown === this.#isShown) return;
    const hadFocus = this.#panel.contains(document.activeElement);
    if (!this.#narrow.matches) store.save(this.#key, isShown);
    this.#show(isShown);
    if (isShown || hadFocus) $(`${isShown ? "close" : "open"}-${this.#panel.id}`).focus();
  }

  #show(isShown) {
    document.body.classList.toggle(this.#key, isShown);
    this.#panel.inert = !isShown;
    $(`open-${this.#panel.id}`).setAttribute("aria-expanded", String(isShown));
    this.#panel.classList.toggle("covers", this.#covers);
    document.querySelector("main").inert = document.querySelector(".drawer.covers") !== null;
  }
}

/** Files dropped anywhere on the page, or pasted into the message box; and a promise of their handles. */
export function listenForFiles(take) {
  const show = (isShown) => ($("drop").hidden = !isShown);
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    show(true);
  });
  addEventListener("dragleave", (event) => event.relatedTarget === null && show(false));
  addEventListener("drop", (event) => {
    show(false);
    if (!hasFiles(event)) return;
    event.preventDefault();
    take([...event.dataTransfer.files], dropped(event.dataTransfer.items).catch(() => []));
  });
  $("prompt").addEventListener("paste", (event) => {
    if (!event.clipboardData.files.length || event.clipboardData.types.includes("text/plain")) return;
    event.preventDefault();
    take([...event.clipboardData.files], Promise.resolve([]));
  });
}
