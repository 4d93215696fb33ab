// How much of the context the conversation fills: a bar, and a figure for the next message.

import { byId } from "./dom.js";

const WAIT_MS = 500;
const NEARLY = 0.85;

export class Meter {
  #timer = 0;
  #round = 0;

  /** `count()` resolves to the tokens of what is shown and typed; it is asked once nothing changes. */
  constructor(count) {
    this.count = count;
  }

  /** Something has changed; `context` is 0 where there is no model. */
  refresh(context) {
    clearTimeout(this.#timer);
    byId("meter").hidden = !context;
    if (context) this.#timer = setTimeout(() => this.#measure(context), WAIT_MS);
  }

  async #measure(context) {
    const round = ++this.#round;
    const used = await this.count().catch(() => null); // the worker may have gone
    if (round !== this.#round || used === null) return;
    this.#draw(used, context);
  }

  #draw(used, context) {
    const share = Math.min(1, used / context);
    const bar = byId("meter-bar");
    Object.assign(bar, { max: context, value: Math.min(used, context) });
    byId("meter").dataset.state = share >= 1 ? "full" : share >= NEARLY ? "nearly" : "";
    byId("meter-text").textContent = `${used.toLocaleString("en")} of ${context.toLocaleString("en")} tokens`;
    byId("meter").title = share >= NEARLY
      ? "The context is nearly full: begin a new chat, or load the model with a larger context"
      : "How much of what the model can keep in mind this conversation fills";
  }
}
