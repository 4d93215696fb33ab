// The engine's end of the keeper: calls it, and joins the chunks that Python never sees.

const KEEPER = new URL("./sources-keeper.js", import.meta.url).href;
const policy = self.trustedTypes?.createPolicy("wgslm", { createScriptURL: () => KEEPER });

const PATIENCE_MS = 60_000; // a keeper that is silent for longer is stuck, and gives up all it holds
const MAY_WAIT = ["waitLock"]; // for another tab, as long as that takes

export class Keeper {
  #waiting = new Map();
  #lastId = 0;
  #timer = 0;
  #ending = null; // why it is gone

  constructor() {
    this.worker = new Worker(policy ? policy.createScriptURL("") : KEEPER, { type: "module", name: "wgslm-keeper" });
    this.worker.onmessage = ({ data }) => this.#settle(data);
    this.worker.onerror = (event) => this.#fail(event.message || "its script did not load");
  }

  /** Chunks among the arguments are given away. */
  call(call, ...args) {
    if (this.#ending) return Promise.reject(new Error(this.#ending));
    const id = ++this.#lastId;
    const plain = args.map((value) => value?.toJs?.() ?? value);
    const chunks = plain.filter((value) => value instanceof Uint8Array).map(({ buffer }) => buffer);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, mayWait: MAY_WAIT.includes(call) });
      this.worker.postMessage({ id, call, args: plain }, chunks);
      this.#watch();
    });
  }

  /** Give it time from now on, if anything is asked that it should answer. */
  #watch() {
    clearTimeout(this.#timer);
    const isAsked = [...this.#waiting.values()].some(({ mayWait }) => !mayWait);
    this.#timer = isAsked ? setTimeout(() => this.#lookAgain(), PATIENCE_MS / 2) : 0;
  }

  /** Where the computer slept, half of the time is over at once, and the keeper has not run yet. */
  #lookAgain() {
    const message = `it did not answer for ${PATIENCE_MS / 1000} s`;
    this.#timer = setTimeout(() => this.#fail(message), PATIENCE_MS / 2);
  }

  #settle({ id, value, error, isAlive }) {
    if (isAlive) return this.#watch();
    const { resolve, reject } = this.#waiting.get(id);
    this.#waiting.delete(id);
    this.#watch();
    if (error) reject(Object.assign(new Error(error.message), { name: error.name }));
    else resolve(value);
  }

  /** Its locks and files go with it. */
  #fail(message) {
    this.#ending = message;
    this.worker.terminate();
    for (const { reject } of this.#waiting.values()) reject(new Error(message));
    this.#waiting.clear();
  }
}

export const newChunk = (nbytes) => new Uint8Array(nbytes);

export function copyChunk(into, at, chunk, start, stop) {
  into.set(chunk.subarray(start, stop), at);
}

/** Left to the collector, hundreds of megabytes would pile up. */
export function freeChunk(chunk) {
  chunk.buffer.transfer?.(0);
}
