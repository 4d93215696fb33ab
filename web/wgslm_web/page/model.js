// Which model is loaded or loading: asks the app to load, follows its progress, remembers the source.

import { ApiError, eventsOf } from "./api.js";

/** Events: "progress" {stage, done, total, seconds}, "ready" {model}, "fail" {error}, "cancelled". */
export class Model extends EventTarget {
  source = null; // {url} or {files}; what a restarted worker loads again
  facts = null;
  isLoading = false;
  #api;
  #picked = 0;

  constructor(api) {
    super();
    this.#api = api;
  }

  /** Load from {url} or {files}; resolves when it is over, well or badly. */
  async load(source) {
    this.isLoading = true;
    this.#tell("progress", { stage: "opening", done: 0, total: 0, seconds: 0 });
    try {
      const model = await this.#follow(this.#register(source));
      this.isLoading = false;
      this.source = source;
      this.facts = model;
      this.#tell("ready", { model });
    } catch (error) {
      this.isLoading = false;
      await this.#failed(source, error);
    }
  }

  cancel() {
    return this.#api.post("/wgslm/cancel-load", {});
  }

  /** The worker is gone, and what it had loaded. */
  forget() {
    this.facts = null;
  }

  #register({ url, files }) {
    if (url) return url;
    const name = `file:${++this.#picked}/${files[0].name}`;
    this.#api.sendFiles(name, files.length === 1 ? files[0] : [...files]);
    return name;
  }

  async #follow(model) {
    const response = await this.#api.post("/wgslm/load", { model });
    for await (const event of eventsOf(response)) {
      if (event.model) return event.model;
      this.#tell("progress", event);
    }
    throw new ApiError("the load ended without a model");
  }

  async #failed(source, error) {
    if (error.code === "worker_gone") this.source ??= source; // the restarted worker tries again
    else this.facts = await this.#stillLoaded();
    this.#tell(error.code === "cancelled" ? "cancelled" : "fail", { error, source });
  }

  async #stillLoaded() {
    const response = await this.#api.fetch("/wgslm/status");
    return (await response.json()).model;
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** Turn what a person typed into {url}; throws a sentence. */
export function sourceFrom(text) {
  const typed = text.trim();
  if (!typed) throw new ApiError("Type the address of a GGUF file first.");
  let url;
  try {
    url = new URL(typed, document.baseURI);
  } catch {
    throw new ApiError(`"${typed}" is not an address; it begins with https:// or is a path here.`);
  }
  if (!["http:", "https:", "blob:"].includes(url.protocol)) {
    throw new ApiError(`A ${url.protocol} address cannot be read here; use https:// or choose the file.`);
  }
  return { url: url.href };
}
