// Draws the branch of the conversation that is shown. Updates are batched to one per animation frame.

import { MessageView } from "./message-view.js";

const FRAME_MS = 12;
const NEAR_END_PX = 8;

export class ChatView {
  #views = new Map(); // message -> MessageView, in the order they are shown
  #dirty = new Set();
  #frame = 0;
  #follows = true;
  #top = 0;
  #can = { ready: false, running: false };

  /** `actions` are what the buttons of a message do; see MessageView. */
  constructor({ log, scroller, welcome, toEnd, actions }) {
    Object.assign(this, { log, scroller, welcome, toEnd, actions });
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    toEnd.addEventListener("click", () => this.follow());
    // While an answer grows, the frame after its drawing is where its height is known.
    const observer = new ResizeObserver(() => this.#keepEnd());
    observer.observe(log);
    observer.observe(scroller);
  }

  /** Show these messages; what is shown already stays. `branches(message)` says where it stands. */
  show(path, branches) {
    const shown = [...this.#views.keys()];
    const kept = shown.findIndex((message, i) => message !== path[i]);
    for (const message of kept < 0 ? [] : shown.slice(kept)) this.#drop(message);
    for (const message of path) if (!this.#views.has(message)) this.#add(message);
    for (const [message, view] of this.#views) view.place(branches(message), message === path.at(-1));
    this.welcome.hidden = path.length > 0;
    this.allow(this.#can);
  }

  /** Say whether there is a model to go on with, and whether it writes already. */
  allow(can) {
    this.#can = can;
    for (const view of this.#views.values()) view.allow(can);
  }

  /** Draw a changed message in the next frame. */
  update(message) {
    if (!this.#views.has(message)) return;
    this.#dirty.add(message);
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  updateAll() {
    for (const message of this.#views.keys()) this.update(message);
  }

  /** Go to the end, and stay there while an answer grows. */
  follow() {
    this.#follows = true;
    if (this.#views.size) this.#keepEnd(); // asks for a layout, which a page that starts can do without
  }

  /** Open the editor of a message. */
  edit(message) {
    this.#views.get(message)?.edit();
  }

  #add(message) {
    const view = new MessageView(message, this.actions);
    this.#views.set(message, view);
    this.log.append(view.element);
    if (message.role === "user") this.#follows = true;
    this.update(message);
  }

  #drop(message) {
    this.#views.get(message).element.remove();
    this.#views.delete(message);
    this.#dirty.delete(message);
  }

  #draw() {
    this.#frame = 0;
    const begun = performance.now();
    for (const message of this.#dirty) {
      if (performance.now() - begun > FRAME_MS) break; // the rest waits for the next frame
      if (this.#views.get(message).draw()) this.#dirty.delete(message);
    }
    if (this.#dirty.size) this.#frame = requestAnimationFrame(() => this.#draw());
  }

  #keepEnd() {
    if (this.#follows) this.scroller.scrollTop = this.scroller.scrollHeight;
    this.#top = this.scroller.scrollTop;
    this.#showWay();
  }

  /** Whoever scrolls up is left where they are, whoever comes to the end is taken along. */
  #scrolled() {
    const { scrollTop } = this.scroller;
    if (this.#isAtEnd()) this.#follows = true;
    else if (scrollTop < this.#top) this.#follows = false;
    this.#top = scrollTop;
    this.#showWay();
  }

  #showWay() {
    this.toEnd.hidden = this.#follows || this.#isAtEnd();
  }

  #isAtEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
  }
}
