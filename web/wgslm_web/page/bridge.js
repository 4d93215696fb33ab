// This tab's side of a request that the service worker brings (relay.js): asks the app in the
// worker, and keeps what was answered, so that an answer outlives a service worker that is stopped.

import { hasServiceWorkers } from "./offline.js";

const KEPT_MS = 10_000; // how long an answer without a listener goes on, or is kept once it is whole
const STAY_MS = 10_000; // browsers stop a service worker that had no event for 30 s

/** Answer with `api`; `facts()` returns {model, isBusy, isLoading}. */
export async function bridge(api, facts) {
  if (!hasServiceWorkers()) return;
  const exchanges = new Map();
  const lock = await holdLock();
  navigator.serviceWorker.addEventListener("message", ({ data, ports: [port] }) => {
    if (data.type !== "wgslm-tab?") return;
    port.onmessage = ({ data: message }) => {
      const { type, exchange: id } = message;
      if (type === "request") exchanges.set(id, new Exchange(api, message, () => exchanges.delete(id)));
      const found = exchanges.get(id);
      if (found) found.attach(port, message);
      else port.postMessage({ type: "fail", message: "this answer is not kept any more; ask again" });
    };
    port.postMessage({ type: "tab", ...facts(), lock, hasExchange: exchanges.has(data.exchange) });
  });
  navigator.serviceWorker.startMessages();
}

/** One request and everything that was answered so far. */
class Exchange {
  #messages = []; // start, body..., and end or fail
  #port = null;
  #asked = new AbortController();
  #over = new AbortController(); // ends the waits for the service worker's death
  #forget;
  #timer = 0;
  #staying;

  constructor(api, request, forget) {
    this.#forget = () => (forget(), this.#over.abort());
    this.#staying = setInterval(stay, STAY_MS);
    this.#run(api, request);
  }

  /** Send what comes to this port, and first what came after the byte `from`. */
  attach(port, { from = 0, lock }) {
    clearTimeout(this.#timer);
    this.#port = port;
    port.onmessage = ({ data }) => data.type === "abort" && this.#abort();
    navigator.locks
      .request(lock, { signal: this.#over.signal }, () => port === this.#port && this.#lose())
      .catch(() => {}); // the answer was whole first
    let skipped = from;
    for (const message of this.#messages) {
      if (message.type !== "body") port.postMessage(message);
      else if (message.chunk.length > skipped) port.postMessage({ type: "body", chunk: message.chunk.subarray(skipped) });
      skipped -= message.type === "body" ? Math.min(skipped, message.chunk.length) : 0;
    }
  }

  async #run(api, { method, path, headers, body }) {
    try {
      const response = await api.fetch(path, { method, headers, body, signal: this.#asked.signal });
      this.#send({ type: "start", status: response.status, headers: [...response.headers] });
      const reader = response.body?.getReader();
      for (;;) {
        const { done, value } = (await reader?.read()) ?? { done: true };
        if (done) break;
        this.#send({ type: "body", chunk: value });
      }
      this.#send({ type: "end" });
    } catch (error) {
      this.#send({ type: "fail", message: error.message });
    }
    clearInterval(this.#staying);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#forget, KEPT_MS);
  }

  #send(message) {
    this.#messages.push(message);
    this.#port?.postMessage(message);
  }

  #lose() {
    this.#port = null;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#abort(), KEPT_MS);
  }

  #abort() {
    this.#asked.abort(new DOMException("nobody waits for the answer", "AbortError"));
    clearInterval(this.#staying);
    this.#forget();
  }
}

async function stay() {
  const { active } = await navigator.serviceWorker.ready;
  active?.postMessage({ type: "stay" });
}

/** Hold a lock as long as this tab lives; resolves to its name. */
function holdLock() {
  const name = `wgslm-tab-${crypto.randomUUID()}`;
  return new Promise((resolve) => {
    navigator.locks.request(name, () => (resolve(name), new Promise(() => {})));
  });
}
