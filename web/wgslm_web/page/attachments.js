// Text files that go with the next message, cut to what the context has left.

import { byId, element, iconButton } from "./dom.js";
import * as format from "./format.js";

const CHARACTERS = 8; // that a token has at most, on average over a file
const BYTES = 4; // that a character has at most
const MOST = 1_000_000; // characters that the app splits into tokens at a time

export class Attachments {
  items = []; // {name, text, tokens, note}
  #button = byId("attach");

  /** `left()` is how many tokens there are, `fit(name, text, tokens)` cuts; `refuse(sentence)` says why not. */
  constructor({ left, fit, refuse, changed }) {
    Object.assign(this, { left, fit, refuse, changed });
    const input = byId("attach-file");
    this.#button.addEventListener("click", () => input.click());
    input.addEventListener("change", async () => {
      await this.add([...input.files]);
      input.value = "";
    });
  }

  async add(files) {
    this.#button.disabled = true;
    for (const file of files) {
      try {
        this.items.push(await this.#read(file));
      } catch (error) {
        this.refuse(error.message);
      }
      this.#draw();
    }
    this.#button.disabled = false;
    this.changed();
  }

  /** Hand over what is attached. */
  take() {
    const items = this.items.map(({ name, text, note }) => ({ name, text, note }));
    this.clear();
    return items;
  }

  clear() {
    this.items = [];
    this.#draw();
  }

  get tokens() {
    return this.items.reduce((sum, { tokens }) => sum + tokens, 0);
  }

  async #read(file) {
    const room = Math.floor((await this.left()) - this.tokens);
    if (Number.isNaN(room)) throw new Error("Load a model first: files are cut to its context");
    if (room < 16) throw new Error(`The context has no room left for ${file.name}; load the model with a larger one`);
    const start = await textOf(file, room * CHARACTERS * BYTES);
    const slice = whole(start.slice(0, Math.min(MOST, room * CHARACTERS)));
    const { text, tokens } = await this.fit(file.name, slice, room);
    const isWhole = text.length === slice.length && start === slice && file.size <= room * CHARACTERS * BYTES;
    return { name: file.name, text, tokens, note: noteOf(tokens, isWhole, text, file.size) };
  }

  #draw() {
    const list = byId("attached");
    list.hidden = !this.items.length;
    list.replaceChildren(...this.items.map((item) => this.#chip(item)));
  }

  #chip(item) {
    const remove = iconButton("close", `Leave out ${item.name}`, () => {
      this.items = this.items.filter((one) => one !== item);
      this.#draw();
      this.changed();
    });
    const name = element("b", { textContent: item.name, dir: "auto" });
    return element("li", {}, element("span", {}, name, ` ${item.note}`), remove);
  }
}

/** Without the first half of a character that was cut in two. */
const whole = (text) => text.replace(/[\uD800-\uDBFF]$/, "");

function noteOf(tokens, isWhole, text, size) {
  if (isWhole) return `${tokens} tokens`;
  const share = Math.max(1, Math.floor((100 * new Blob([text]).size) / size));
  return `${tokens} tokens: the first ${share} % of ${format.bytes(size)}, the rest is left out`;
}

/** The beginning of a file as text, at most so many bytes of it; refuse what is none. */
async function textOf(file, most) {
  const bytes = await file.slice(0, most).arrayBuffer();
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    if (!text.includes("\0")) return text;
  } catch {
    // not UTF-8
  }
  throw new Error(`${file.name} is no text in UTF-8; only text files can be attached`);
}
