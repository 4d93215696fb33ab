// Draws the conversation. Updates are batched to one per animation frame.

import { MarkdownView } from "./markdown.js";

const NAMES = { user: "You", assistant: "Model" };
const NOTES = {
  stopped: "Stopped.",
  cut: "Cut at the limit.",
  error: "The answer broke off.",
  interrupted: "The engine stopped. The answer goes on as soon as it is back.",
};
const NEAR_END_PX = 96;

export class ChatView {
  #views = new WeakMap(); // message -> MessageView
  #dirty = new Set();
  #frame = 0;
  #follows = true;
  #canContinue = false;

  constructor({ log, scroller, welcome, onContinue }) {
    Object.assign(this, { log, scroller, welcome, onContinue });
    scroller.addEventListener("scroll", () => (this.#follows = this.#isNearEnd()), { passive: true });
    // While an answer grows, the frame after its drawing is where its height is known.
    new ResizeObserver(() => this.#follow()).observe(log);
  }

  add(message) {
    const view = new MessageView(message, () => this.onContinue(message));
    this.#views.set(message, view);
    view.again.disabled = !this.#canContinue;
    this.log.append(view.element);
    this.welcome.hidden = true;
    if (message.role === "user") this.#follows = true;
    this.update(message);
  }

  /** Say whether there is a model to go on with. */
  allowContinue(isAllowed) {
    if (isAllowed === this.#canContinue) return;
    this.#canContinue = isAllowed;
    for (const button of this.log.querySelectorAll(".again")) button.disabled = !isAllowed;
  }

  /** Draw a changed message in the next frame. */
  update(message) {
    this.#dirty.add(message);
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  clear() {
    this.log.replaceChildren();
    this.#dirty.clear();
    this.welcome.hidden = false;
  }

  #draw() {
    this.#frame = 0;
    const begun = performance.now();
    for (const message of this.#dirty) {
      if (performance.now() - begun > 12) break; // the rest waits for the next frame
      if (this.#views.get(message).draw()) this.#dirty.delete(message);
    }
    if (this.#dirty.size) this.#frame = requestAnimationFrame(() => this.#draw());
  }

  #follow() {
    if (this.#follows) this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  #isNearEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
  }
}

class MessageView {
  constructor(message, onContinue) {
    this.message = message;
    this.element = element("article", { className: "message" });
    this.element.dataset.role = message.role;
    this.element.setAttribute("aria-label", NAMES[message.role]);
    this.body = element("div", { className: "body" });
    this.note = element("p", { className: "note" });
    this.again = element("button", { type: "button", className: "quiet again", onclick: onContinue });
    this.element.append(this.body, this.#foot());
    this.markdown = message.role === "assistant" ? new MarkdownView(this.body) : null;
  }

  /** Say whether everything is drawn. */
  draw() {
    const { state, content } = this.message;
    const isOpen = state === "streaming" || state === "interrupted";
    this.element.dataset.state = isOpen ? "streaming" : state;
    this.element.setAttribute("aria-busy", String(isOpen));
    this.#drawFoot();
    if (this.markdown) return this.markdown.update(content);
    this.body.textContent = content;
    return true;
  }

  #drawFoot() {
    const { state, ids, finish_reason, error = "" } = this.message;
    const end = state === "done" && finish_reason === "length" ? "cut" : state;
    this.note.textContent = NOTES[end] ?? "";
    this.note.title = error; // the box above says it in full
    this.again.hidden = !["stopped", "error", "cut"].includes(end);
    this.again.textContent = ids?.length ? "Continue" : "Try again";
  }

  #foot() {
    const foot = element("footer", {});
    const copy = element("button", { type: "button", className: "quiet copy", textContent: "Copy" });
    copy.onclick = () => copyText(this.message.content, copy);
    foot.append(this.note, this.again, copy);
    return foot;
  }
}

async function copyText(text, button) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "The browser does not allow copying";
  }
  setTimeout(() => (button.textContent = "Copy"), 1500);
}

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}
