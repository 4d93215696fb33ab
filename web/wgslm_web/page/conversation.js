// Where this tab's conversation is kept. Each tab has its own; a reload finds it again, and a new
// tab goes on with the latest one unless another tab has that open.

import * as store from "./store.js";

const FOLDER = "conversation.";
const LOCK = "wgslm-conversation-";
const KEPT = 8; // conversations of closed tabs
const PATIENCE_MS = 3000; // for the page that a reload replaces to let go
const STATES = ["done", "stopped", "error", "streaming", "interrupted"];

export class Conversation {
  #id = store.load("tab", "", store.isText, "sessionStorage");
  #messages;

  /** `messages()` returns what is to be kept. */
  constructor(messages) {
    this.#messages = messages;
    this.save = store.saver(() => this.#write());
  }

  /** Return the messages that were kept, whatever became of them meanwhile. */
  async open() {
    if (!this.#id) this.#take((await latestFree()) ?? newId());
    this.#hold();
    prune(this.#id);
    return messagesOf(read(this.#id));
  }

  /** Hold it as long as the page lives; a copy of an open tab goes on under a name of its own. */
  async #hold() {
    const options = { signal: AbortSignal.timeout(PATIENCE_MS) };
    try {
      await navigator.locks?.request(LOCK + this.#id, options, () => new Promise(() => {}));
    } catch {
      this.#take(newId());
      this.#hold();
      this.#write();
    }
  }

  #take(id) {
    this.#id = id;
    store.save("tab", id, "sessionStorage");
  }

  #write() {
    store.save(FOLDER + this.#id, { at: Date.now(), messages: this.#messages() });
  }
}

const newId = () => crypto.getRandomValues(new Uint32Array(3)).join("-");
const read = (id) => store.load(FOLDER + id, {}, store.isRecord);

/** The kept conversations' ids, the latest first. */
function latest() {
  const times = store.keysUnder(FOLDER).map((id) => [id, Number(read(id).at) || 0]);
  return times.sort(([, one], [, other]) => other - one).map(([id]) => id);
}

async function latestFree() {
  const [id] = latest();
  const locks = (await navigator.locks?.query())?.held ?? [];
  return locks.some(({ name }) => name === LOCK + id) ? undefined : id;
}

function prune(mine) {
  const others = latest().filter((id) => id !== mine);
  for (const id of others.slice(KEPT)) store.remove(FOLDER + id);
}

/** What is kept may be of an older page, or damaged: only sound messages come back. */
function messagesOf({ messages }) {
  return Array.isArray(messages) ? messages.filter(isMessage) : [];
}

function isMessage(message) {
  if (!store.isRecord(message)) return false;
  const { role, content, state, ids = [] } = message;
  const known = ["user", "assistant"].includes(role) && STATES.includes(state);
  const whole = Array.isArray(ids) && ids.every((id) => Number.isInteger(id) && id >= 0);
  return known && whole && store.isText(content) && (role === "user" || "ids" in message);
}
