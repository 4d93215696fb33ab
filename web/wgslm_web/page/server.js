// The app on a computer that runs `wgslm serve`, asked over HTTP instead of a worker's port.

const PATIENCE_MS = 5000; // for the first word; a model may take as long as it needs

export class Server {
  #base;
  #headers;

  /** `key` is the server's API key, or empty. */
  constructor(address, key = "") {
    this.#base = baseOf(address);
    this.#headers = key ? { authorization: `Bearer ${key}` } : {};
  }

  get origin() {
    return new URL(this.#base).origin;
  }

  /** Like window.fetch, for paths of the app. */
  async fetch(path, { headers = {}, ...init } = {}) {
    const all = { ...Object.fromEntries(new Headers(headers)), ...this.#headers };
    try {
      return await fetch(this.#base + path, { ...init, headers: all, referrerPolicy: "no-referrer", cache: "no-store" });
    } catch (error) {
      if (error.name === "TypeError") throw new Error(`${this.origin} does not answer this page. ${HOW} ${LET_IN}`);
      throw error;
    }
  }

  /** The address of a listed model's file; with a key it holds a ticket for this file. */
  blob({ path }) {
    return this.#base + path;
  }

  /** The JSON of a short answer; throws a sentence when there is none. */
  async ask(path) {
    let response;
    try {
      response = await this.fetch(path, { signal: AbortSignal.timeout(PATIENCE_MS) });
      const told = await response.json();
      if (response.ok) return told;
      throw new Refused(told.error?.message ?? `it answers HTTP ${response.status}`);
    } catch (error) {
      if (error instanceof Refused) throw new Error(`${this.origin} refuses: ${error.message}`);
      if (error.name === "TimeoutError") throw new Error(`${this.origin} did not answer within ${PATIENCE_MS / 1000} s`);
      throw error;
    }
  }
}

class Refused extends Error {}

const HOW = "Is it running there? Start it with: wgslm serve MODEL.gguf";
// A page from disk has no origin that a server could know, so it needs the server's key.
const LET_IN = location.protocol === "file:" ? "--api-key KEY, and type that key here" : `--origin ${location.origin}`;

function baseOf(address) {
  let url;
  try {
    url = new URL(address.trim());
  } catch {
    throw new Error(`"${address.trim()}" is not an address; one looks like http://127.0.0.1:8080`);
  }
  if (!["http:", "https:"].includes(url.protocol)) throw new Error(`A server has an http:// address, and not ${url.protocol}`);
  return url.href.replace(/[?#].*$/, "").replace(/\/$/, "");
}
