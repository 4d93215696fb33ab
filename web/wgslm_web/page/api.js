// Client of the app in the worker: fetch over a MessagePort, with real Response objects.

export class ApiError extends Error {
  constructor(message, { status = 0, code = null, param = null } = {}) {
    super(message);
    this.name = "ApiError";
    Object.assign(this, { status, code, param });
  }
}

export class TabApi {
  #port = null;
  #server = null;
  #exchanges = new Map();
  #lastId = 0;

  connect(port) {
    this.#port = port;
    port.onmessage = ({ data }) => this.#exchanges.get(data.id)?.take(data);
  }

  /** Ask a `wgslm serve` from now on, whatever becomes of a worker. */
  useServer(server) {
    this.#server = server;
  }

  get server() {
    return this.#server;
  }

  /** The worker is gone: every answer under way ends with this sentence. */
  disconnect(sentence) {
    this.#port?.close();
    this.#port = null;
    for (const exchange of [...this.#exchanges.values()]) exchange.fail(goneError(sentence));
  }

  get pending() {
    return this.#exchanges.size;
  }

  /** Like window.fetch, for paths of the app; `body` is a string. */
  fetch(path, { method = "GET", headers = {}, body = null, signal = null } = {}) {
    if (this.#server) return this.#server.fetch(path, { method, headers, body, signal });
    if (!this.#port) return Promise.reject(goneError("The engine is not running yet."));
    if (signal?.aborted) return Promise.reject(signal.reason);
    const id = ++this.#lastId;
    const exchange = new Exchange(() => this.#exchanges.delete(id), () => this.#abort(id));
    this.#exchanges.set(id, exchange);
    signal?.addEventListener("abort", () => exchange.abort(signal.reason), { once: true });
    const pairs = [...new Headers(headers)];
    this.#port.postMessage({ type: "request", id, method, path, headers: pairs, body });
    return exchange.response;
  }

  /** POST an object; return the Response, or throw what the app answered. */
  async post(path, object, signal = null) {
    const headers = { "content-type": "application/json" };
    const init = { method: "POST", headers, body: JSON.stringify(object), signal };
    const response = await this.fetch(path, init);
    if (!response.ok) throw await errorOf(response);
    return response;
  }

  /** Hand picked files to the worker under a name that /wgslm/load understands. */
  sendFiles(name, files) {
    if (this.#server) throw new ApiError("A file from this computer cannot be given to a server; load it there");
    if (!this.#port) throw goneError("The engine is not running yet.");
    this.#port.postMessage({ type: "files", name, files });
  }

  #abort(id) {
    this.#port?.postMessage({ type: "abort", id });
  }
}

/** One request under way: messages in, a Response with a streamed body out. */
class Exchange {
  constructor(forget, tellAbort) {
    Object.assign(this, { forget, tellAbort });
    this.response = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
    const cancel = () => this.abort(new DOMException("cancelled", "AbortError"));
    this.body = new ReadableStream({ start: (stream) => (this.stream = stream), cancel });
  }

  take(message) {
    if (message.type === "start") this.#start(message);
    else if (message.type === "body") this.stream.enqueue(message.chunk);
    else if (message.type === "end") this.#end();
    else this.fail(new ApiError(message.message));
  }

  abort(reason) {
    this.tellAbort();
    this.fail(reason);
  }

  fail(error) {
    this.forget();
    this.reject(error);
    try {
      this.stream.error(error);
    } catch {
      // the stream has ended already
    }
  }

  #start({ status, headers }) {
    const empty = status === 204 || status === 304;
    this.resolve(new Response(empty ? null : this.body, { status, headers }));
  }

  #end() {
    this.forget();
    this.stream.close();
  }
}

/** The JSON objects of a server-sent event stream; an error event is thrown. */
export async function* eventsOf(response) {
  for await (const line of linesOf(response)) {
    if (!line.startsWith("data: ") || line === "data: [DONE]") continue;
    const event = JSON.parse(line.slice(6));
    if (event.error) throw new ApiError(event.error.message, event.error);
    yield event;
  }
}

async function* linesOf(response) {
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = lines.pop();
      yield* lines;
    }
  } finally {
    reader.cancel().catch(() => {}); // leaving the loop early stops the generation
  }
}

async function errorOf(response) {
  const body = await response.json().catch(() => ({}));
  const message = body.error?.message ?? `the app answered ${response.status}`;
  return new ApiError(message, { ...body.error, status: response.status });
}

function goneError(sentence) {
  return new ApiError(sentence, { code: "worker_gone" });
}
