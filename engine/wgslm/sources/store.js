// The engine's end of the keeper: calls it, and joins the chunks that Python never sees.

const KEEPER = new URL("./sources-keeper.js", import.meta.url).href;
const policy = self.trustedTypes?.createPolicy("wgslm", { createScriptURL: () => KEEPER });

export class Keeper {
  #waiting = new Map();
  #lastId = 0;

  constructor() {
    this.worker = new Worker(policy ? policy.createScriptURL("") : KEEPER, { type: "module", name: "wgslm-keeper" });
    this.worker.onmessage = ({ data }) => this.#settle(data);
    this.worker.onerror = (event) => this.#fail(event.message || "its script did not load");
  }

  /** Chunks among the arguments are given away. */
  call(call, ...args) {
    const id = ++this.#lastId;
    const plain = args.map((value) => value?.toJs?.() ?? value);
    const chunks = plain.filter((value) => value instanceof Uint8Array).map(({ buffer }) => buffer);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, call, args: plain }, chunks);
    });
  }

  #settle({ id, value, error }) {
    const { resolve, reject } = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) reject(Object.assign(new Error(error.message), { name: error.name }));
    else resolve(value);
  }

  #fail(message) {
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
