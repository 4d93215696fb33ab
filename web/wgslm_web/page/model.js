// Which model is loaded or loading: asks the app to load, follows its progress, remembers the source.

import { ApiError, eventsOf } from "./api.js";

/** Events: "progress" {stage, done, total, seconds}, "ready" {model}, "fail" {error}, "cancelled". */
export class Model extends EventTarget {
  source = null; // {url} or {files}, maybe with {context, hub}; what a restarted worker loads again
  facts = null;
  #name = ""; // of what was loaded last
  #api;
  #picked = 0;
  #load = null; // {source, isCancelled, over} of the load under way; only the newest one counts

  constructor(api) {
    super();
    this.#api = api;
  }

  get isLoading() {
    return this.#load !== null;
  }

  /** Where the model that is being loaded comes from. */
  get loading() {
    return this.#load?.source ?? null;
  }

  /** What was loaded and is no more, as {name, source}. */
  get lost() {
    return this.#name && !this.facts ? { name: this.#name, source: this.source } : null;
  }

  /** Load from {url} or {files}, once the load under way is ended; resolves when it is over. */
  load(source) {
    const before = this.#load;
    const load = (this.#load = { source, isCancelled: false });
    this.#tell("progress", { stage: "opening", done: 0, total: 0, seconds: 0 });
    load.over = this.#end(before).then(() => this.#run(load));
    return load.over;
  }

  /** Ask again what is known of the model: some of it is found out only after the load. */
  async update() {
    const facts = this.isLoading ? null : await this.#stillLoaded();
    if (facts && this.facts && !this.isLoading) this.facts = facts;
  }

  cancel() {
    return this.#cancel(this.#load);
  }

  /** Give up the load under way, if there is one; resolves when it is over. */
  end() {
    return this.#end(this.#load);
  }

  /** A server answers with this model. */
  take(facts) {
    this.facts = facts;
    this.#name = facts.name;
    this.#tell("ready", { model: facts });
  }

  /** The worker is gone, and what it had loaded. */
  forget() {
    this.facts = null;
  }

  async #run(load) {
    try {
      const model = await this.#follow(load);
      this.#name = model.name;
      this.source = load.source;
      if (this.#isOver(load, model)) this.#tell("ready", { model });
    } catch (error) {
      await this.#failed(load, error);
    }
  }

  async #follow(load) {
    const model = this.#register(load.source);
    for await (const event of eventsOf(await this.#ask(load, model))) {
      if (event.model) return event.model;
      if (load.isCancelled) await this.#tellToCancel(); // it was too early before
      if (load === this.#load) this.#tell("progress", event);
    }
    throw new ApiError("the load ended without a model");
  }

  /** Ask to load; a load that the app still has under way is ended first. */
  async #ask(load, model) {
    if (load.isCancelled) throw new ApiError("the load was cancelled", { code: "cancelled" });
    const { context, hub } = load.source;
    const wanted = { model, ...(context && { context }), ...(hub && { hub }) };
    try {
      return await this.#api.post("/wgslm/load", wanted);
    } catch (error) {
      if (error.code !== "loading") throw error;
      await this.#tellToCancel();
      return this.#api.post("/wgslm/load", wanted);
    }
  }

  #register({ url, files }) {
    if (url) return url;
    const name = `file:${++this.#picked}/${files[0].name}`;
    this.#api.sendFiles(name, files.length === 1 ? files[0] : [...files]);
    return name;
  }

  async #end(load) {
    await this.#cancel(load);
    await load?.over;
  }

  async #cancel(load) {
    if (!load) return;
    load.isCancelled = true;
    await this.#tellToCancel();
  }

  /** A worker that is gone loads nothing, so it need not hear this. */
  #tellToCancel() {
    return this.#api.post("/wgslm/cancel-load", {}).catch(() => {});
  }

  async #failed(load, error) {
    const gone = error.code === "worker_gone";
    if (gone) this.source ??= load.source; // the restarted worker tries again
    const model = gone ? null : await this.#stillLoaded();
    if (!this.#isOver(load, model)) return;
    this.#tell(error.code === "cancelled" ? "cancelled" : "fail", { error, source: load.source });
  }

  /** Take what is loaded now; false if a newer load is under way, which says what comes of it. */
  #isOver(load, model) {
    this.facts = model;
    if (load !== this.#load) return false;
    this.#load = null;
    return true;
  }

  async #stillLoaded() {
    try {
      return (await (await this.#api.fetch("/wgslm/status")).json()).model;
    } catch {
      return null; // the worker has just gone
    }
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** Whether this is a hub's name of a model: owner/repo, owner/repo:Q4_K_M, owner/repo:file.gguf. */
export function isHubName(text) {
  const match = /^[a-z0-9][\w.-]*\/[a-z0-9][\w.-]*(:[^:?#\\]+)?$/i.exec(text);
  return Boolean(match) && !text.includes("..") && (Boolean(match[1]) || !/\.gguf$/i.test(text));
}

/** Turn what a person typed into {url}, which may be a hub's name; throws a sentence. */
export function sourceFrom(text) {
  const typed = text.trim();
  if (!typed) throw new ApiError("Type the address of a GGUF file first.");
  if (isHubName(typed)) return { url: typed };
  let url;
  try {
    url = new URL(typed, document.baseURI);
  } catch {
    throw new ApiError(`"${typed}" is not an address; it begins with https:// or is a path here.`);
  }
  if (!["http:", "https:"].includes(url.protocol)) {
    throw new ApiError(`A ${url.protocol} address cannot be read here; use https:// or choose the file.`);
  }
  return { url: url.href };
}
