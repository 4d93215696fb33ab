// The worker that keeps downloaded files, so that no write delays what is computed elsewhere.
// Knows how bytes are written and checked; what is kept and believed is decided in Python (store.py).
//
// Messages in: {id, call, args}; out: {id, value} or {id, error: {name, message}}.

import { IndexedShelf } from "./sources-indexed.js";
import { OpfsShelf } from "./sources-opfs.js";
import { Sha256 } from "./sources-sha256.js";

const LOCK = "wgslm-model:";
const held = new Map(); // key -> {ticket, letGo} of whoever has its lock
const asked = new Map(); // ticket -> {isOver, ending} of a request for a lock that is not granted yet

let shelf;

const calls = {
  /** Returns the storage's kind, or "" and why there is none; all pages from file:// share one. */
  async open() {
    const isShared = self.origin === "null";
    const whys = [];
    for (const Shelf of [OpfsShelf, IndexedShelf]) {
      try {
        shelf = await Shelf.open();
        return { kind: shelf.kind, why: "", isShared };
      } catch (error) {
        whys.push(error.message);
      }
    }
    return { kind: "", why: whys.at(-1), isShared };
  },

  journals: () => shelf.journals(),
  journal: (key) => shelf.journal(key),
  begin: (key, size, line) => shelf.begin(key, size, line),
  note: (key, line) => shelf.note(key, line),

  async put(key, start, bytes) {
    const sha256 = hex(await crypto.subtle.digest("SHA-256", bytes));
    const line = JSON.stringify({ start, stop: start + bytes.length, sha256 });
    await shelf.put(key, start, bytes, line);
    free(bytes);
    return sha256;
  },

  async get(key, start, stop, sha256) {
    const bytes = await shelf.get(key, start, stop);
    const is = hex(await crypto.subtle.digest("SHA-256", bytes));
    if (is !== sha256) throw named("Damaged", "the kept bytes were changed");
    return bytes;
  },

  /** The SHA-256 of these [start, stop] one after the other; ends early when the lock is let go. */
  async hash(key, ranges) {
    const whole = new Sha256();
    for (const [start, stop] of ranges) {
      if (!held.has(key)) throw named("Ended", "nobody waits for it any more");
      const bytes = await shelf.get(key, start, stop);
      whole.update(bytes);
      free(bytes);
      self.postMessage({ isAlive: true }); // a large file takes longer than anybody waits in silence
      await breathe();
    }
    return whole.hex();
  },

  /** Whoever asks has a ticket of their own, by which `leave` ends what they asked for and no more. */
  async lock(key, ticket) {
    return !held.has(key) && request(key, ticket, { ifAvailable: true });
  },

  async waitLock(key, ticket) {
    const ending = new AbortController();
    return request(key, ticket, { signal: ending.signal }, ending);
  },

  async leave(key, ticket) {
    const mine = asked.get(ticket);
    if (mine) mine.isOver = true; // it may be granted just now
    mine?.ending?.abort();
    if (held.get(key)?.ticket === ticket) await calls.unlock(key);
  },

  async unlock(key) {
    await shelf.close(key);
    held.get(key)?.letGo();
    held.delete(key);
  },

  async remove(key) {
    if (held.has(key)) return shelf.remove(key);
    return navigator.locks.request(LOCK + key, { ifAvailable: true }, (lock) => {
      if (!lock) throw named("InUse", "another tab is downloading it; end that first");
      return shelf.remove(key);
    });
  },

  /** What the browser tells of its quota is made up: Chromium 156 always adds 10 GiB to the usage. */
  used: async () => (await navigator.storage.estimate()).usage,
};

self.onmessage = async ({ data: { id, call, args } }) => {
  try {
    const value = await calls[call](...args);
    self.postMessage({ id, value }, value instanceof Uint8Array ? [value.buffer] : []);
  } catch ({ name, message }) {
    self.postMessage({ id, error: { name, message } });
  }
};

/** Resolves to whether the lock is ours now; it is held until `unlock`, or until this worker ends. */
function request(key, ticket, options, ending = null) {
  const mine = { isOver: false, ending };
  asked.set(ticket, mine);
  return new Promise((resolve, reject) => {
    const hold = (lock) => {
      const isOurs = lock !== null && !mine.isOver;
      resolve(isOurs);
      return isOurs && new Promise((letGo) => held.set(key, { ticket, letGo }));
    };
    navigator.locks.request(LOCK + key, options, hold).catch(reject);
  }).finally(() => asked.delete(ticket));
}

/** Left to the collector, what was written and hashed would pile up: 60 MB of a 150 MB download. */
const free = (bytes) => bytes.buffer.transfer?.(0);
const named = (name, message) => Object.assign(new Error(message), { name });
const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Lets messages in; setTimeout would wait 4 ms, and seconds in a hidden tab. */
function breathe() {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => (port1.close(), resolve());
    port2.postMessage(null);
  });
}
