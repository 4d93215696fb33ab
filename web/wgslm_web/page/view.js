// Draws the branch of the conversation that is shown. Updates are batched to one per animation frame.

import { MessageView } from "./message-view.js";

const FRAME_MS = 12;
const NEAR_END_PX = 8;
const NEAR_START_PX = 200;
const SHOWN = 30; // messages; those before them are drawn when somebody looks for them

export class ChatView {
  #views = new Map(); // message -> MessageView, in the order they are shown
  #path = [];
  #branches = null;
  #most = SHOWN;
  #dirty = new Set();
  #frame = 0;
  #follows = true;
  #top = 0;
  #can = { ready: false, running: false };

  /** `actions` are what the buttons of a message do; see MessageView. */
  constructor({ log, scroller, welcome, toEnd, earlier, actions }) {
    Object.assign(this, { log, scroller, welcome, toEnd, earlier, actions });
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    toEnd.addEventListener("click", () => this.follow());
    earlier.addEventListener("click", () => this.#showEarlier());
    // While an answer grows, the frame after its drawing is where its height is known.
    const observer = new ResizeObserver(() => this.#keepEnd());
    observer.observe(log);
    observer.observe(scroller);
  }

  /** Show these messages; what is shown already stays. `branches(message)` says where it stands. */
  show(path, branches) {
    const first = path.findIndex((message, i) => message !== this.#path[i]);
    if (first >= 0 && path.slice(first).some(({ role }) => role === "user")) this.#follows = true;
    if (first === 0) this.#most = SHOWN;
    this.#path = path;
    this.#branches = branches;
    this.#lay();
  }

  #lay() {
    const shown = new Set(this.#path.slice(-this.#most));
    for (const message of this.#views.keys()) if (!shown.has(message)) this.#drop(message);
    let next = this.log.firstChild;
    const views = new Map();
    for (const message of shown) {
      const view = this.#views.get(message) ?? this.#made(message);
      if (view.element === next) next = next.nextSibling;
      else this.log.insertBefore(view.element, next);
      views.set(message, view);
    }
    this.#views = views;
    for (const [message, view] of views) view.place(this.#branches(message), message === this.#path.at(-1));
    this.welcome.hidden = shown.size > 0;
    if (shown.size === this.#path.length) this.#hideEarlier();
    else this.earlier.hidden = false;
    this.allow(this.#can);
  }

  /** What is in view stays where it is. */
  #showEarlier() {
    const below = this.scroller.scrollHeight - this.scroller.scrollTop;
    this.#follows = false;
    this.#most += SHOWN;
    this.#lay();
    this.scroller.scrollTop = this.scroller.scrollHeight - below;
  }

  #hideEarlier() {
    if (document.activeElement === this.earlier) this.scroller.focus({ preventScroll: true });
    this.earlier.hidden = true;
  }

  /** Say whether there is a model to go on with, and whether it writes already. */
  allow(can) {
    this.#can = can;
    for (const view of this.#views.values()) view.allow(can);
  }

  /** Draw a changed message in the next frame. */
  update(message) {
    if (!this.#views.has(message)) return;
    this.#drawSoon(message);
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

  #made(message) {
    this.#drawSoon(message);
    return new MessageView(message, this.actions);
  }

  #drawSoon(message) {
    this.#dirty.add(message);
    this.#frame ||= requestAnimationFrame(() => this.#draw());
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
    const isSought = scrollTop < this.#top && scrollTop < NEAR_START_PX && !this.earlier.hidden;
    this.#top = scrollTop;
    if (isSought) this.#showEarlier();
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
