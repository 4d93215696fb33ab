// What people type, press, drop and open: the composer, the side panel, dropped files.

import * as store from "./store.js";

// What the embedded model is good at; tests/engine/test_demo_answers.py asks it each of these.
const IDEAS = [
  "What is wgslm?",
  "Is my chat private?",
  "How do I load a bigger model?",
  "What is a token?",
  "Which model should I load?",
  "Tell me a story about a lighthouse.",
];
const $ = (id) => document.getElementById(id);

/** The box people write in. `send(text)` and `stop()` are called when they ask for it. */
export class Composer {
  #prompt = $("prompt");
  #saveDraft = store.saver(() => store.save("draft", this.#prompt.value, "sessionStorage"));
  #ready = false;
  #running = false;

  constructor({ send, stop }) {
    Object.assign(this, { send, stop });
    this.#prompt.value = store.load("draft", "", store.isText, "sessionStorage");
    this.#prompt.addEventListener("input", () => this.#changed());
    listenForKeys(this.#prompt, () => this.#submit(), () => this.#running && stop());
    $("composer").addEventListener("submit", (event) => (event.preventDefault(), this.#submit()));
    $("stop").addEventListener("click", stop);
    showIdeas((text) => this.#write(text));
    grow(this.#prompt);
  }

  focus() {
    this.#prompt.focus();
  }

  /** Take the focus from a button that goes away; on a phone not so that a keyboard pops up. */
  takeFocus() {
    (matchMedia("(pointer: coarse)").matches ? $("scroller") : this.#prompt).focus();
  }

  refresh({ ready = this.#ready, running = this.#running } = {}) {
    [this.#ready, this.#running] = [ready, running];
    const hasFocus = (id) => document.activeElement === $(id);
    const [wasSend, wasStop] = [hasFocus("send"), hasFocus("stop")];
    $("stop").hidden = !running;
    $("send").hidden = running;
    $("send").disabled = !ready || !this.#prompt.value.trim();
    if (wasSend && running) $("stop").focus();
    else if (wasStop && !running) this.takeFocus();
  }

  #submit() {
    const text = this.#prompt.value.trim();
    if (!text || !this.#ready || this.#running) return;
    this.#prompt.value = "";
    this.#changed();
    this.send(text);
  }

  #write(text) {
    this.#prompt.value = text;
    this.#changed();
    this.focus();
  }

  #changed() {
    this.#saveDraft();
    grow(this.#prompt);
    this.refresh();
  }
}

function listenForKeys(prompt, submit, stop) {
  prompt.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
  });
  document.addEventListener("keydown", (event) => event.key === "Escape" && stop());
}

function showIdeas(choose) {
  const buttons = IDEAS.map((text) => {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "idea", textContent: text });
    button.onclick = () => choose(text);
    return button;
  });
  $("ideas").append(...buttons);
}

/** Let the box grow with its text; the style sheet bounds it. */
function grow(prompt) {
  if (CSS.supports("field-sizing", "content")) return;
  prompt.style.height = "auto";
  prompt.style.height = `${prompt.scrollHeight}px`;
}

/** The panel beside the conversation; on narrow screens it slides over. */
export function setUpSide() {
  const side = $("side");
  const narrow = matchMedia("(max-width: 899px)");
  const show = (isShown) => {
    const changes = narrow.matches && isShown !== document.body.classList.contains("side-open");
    const hadFocus = side.contains(document.activeElement);
    document.body.classList.toggle("side-open", isShown && narrow.matches);
    side.inert = narrow.matches && !isShown;
    document.querySelector("main").inert = narrow.matches && isShown;
    $("open-side").setAttribute("aria-expanded", String(isShown));
    if (changes && (isShown || hadFocus)) $(isShown ? "close-side" : "open-side").focus();
  };
  const [open, close] = [() => show(true), () => show(false)];
  listenForSide(side, open, close);
  narrow.addEventListener("change", close);
  close();
  return { open, close };
}

function listenForSide(side, open, close) {
  $("open-side").addEventListener("click", open);
  $("close-side").addEventListener("click", close);
  document.addEventListener("keydown", (event) => event.key === "Escape" && close());
  document.addEventListener("pointerdown", (event) => side.contains(event.target) || close());
}

/** Files dropped anywhere on the page. */
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
    take([...event.dataTransfer.files]);
  });
}
