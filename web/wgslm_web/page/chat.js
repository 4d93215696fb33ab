// The conversation: sends it, takes the streamed answer, and outlives the worker.

import { eventsOf } from "./api.js";
import { Conversation } from "./conversation.js";

/** Events: "change" (running or not), "stats" {timings, live}, "done", "fail" {error}. */
export class Chat extends EventTarget {
  messages = [];
  #api;
  #view;
  #settings;
  #running = null; // AbortController of the answer under way
  #kept = new Conversation(() => this.messages);

  constructor(api, view, settings) {
    super();
    this.#api = api;
    this.#view = view;
    this.#settings = settings;
  }

  /** Show what was said before, unless somebody has already begun anew. */
  async restore() {
    const kept = await this.#kept.open();
    if (!this.messages.length) for (const message of kept) this.#restore(message);
  }

  get isRunning() {
    return this.#running !== null;
  }

  /** The answer that a dead worker left unfinished, if it is the last message. */
  get interrupted() {
    const last = this.messages.at(-1);
    return last?.state === "interrupted" ? last : null;
  }

  async send(text) {
    this.#add({ role: "user", content: text, state: "done" });
    const answer = { role: "assistant", content: "", ids: [], state: "streaming" };
    this.#add(answer);
    await this.#answer(answer);
  }

  /** Go on with an answer from its ids: after Stop, its limit, an error, or a dead worker. */
  async resume(answer) {
    if (this.isRunning || answer !== this.messages.at(-1)) return;
    answer.state = "streaming";
    delete answer.error;
    delete answer.finish_reason;
    await this.#answer(answer);
  }

  stop() {
    this.#running?.abort(new DOMException("stopped", "AbortError"));
  }

  clear() {
    this.stop();
    this.messages = [];
    this.#view.clear();
    this.#kept.save();
  }

  async #answer(answer) {
    const abort = (this.#running = new AbortController());
    this.#tell("change");
    try {
      await this.#stream(answer, abort.signal);
      answer.state = "done";
      this.#tell("done");
    } catch (error) {
      this.#breakOff(answer, error);
    } finally {
      this.#running = this.#running === abort ? null : this.#running;
      this.#changed(answer);
      this.#tell("change");
    }
  }

  async #stream(answer, signal) {
    const response = await this.#request(answer, signal);
    const rate = rateOf(answer.ids.length);
    if (answer.ids.length) Object.assign(answer, { content: "", ids: [] }); // it is sent again
    for await (const event of eventsOf(response)) {
      if (event.timings) this.#finish(answer, event);
      const { delta, finish_reason } = event.choices[0] ?? {};
      if (finish_reason) answer.finish_reason = finish_reason;
      if (delta?.content === undefined) continue;
      answer.content += delta.content;
      answer.ids.push(...(event.tokens ?? []));
      this.#changed(answer);
      this.#tell("stats", { live: rate(answer.ids.length) });
    }
  }

  #request(answer, signal) {
    const sampling = this.#settings.sampling;
    const messages = this.#history(answer);
    if (answer.ids.length) {
      return this.#api.post("/wgslm/continue", { ...sampling, messages, ids: answer.ids }, signal);
    }
    const stream = { stream: true, stream_options: { include_usage: true }, return_tokens: true };
    return this.#api.post("/v1/chat/completions", { ...sampling, ...stream, messages }, signal);
  }

  #history(answer) {
    const before = withoutFailures(this.messages.slice(0, this.messages.indexOf(answer)));
    const messages = before.map(({ role, content }) => ({ role, content }));
    const system = this.#settings.system;
    return system ? [{ role: "system", content: system }, ...messages] : messages;
  }

  #finish(answer, { timings, usage }) {
    Object.assign(answer, { timings, usage });
    this.#tell("stats", { timings });
  }

  #breakOff(answer, error) {
    const gone = error.code === "worker_gone" || error.code === "device_lost";
    answer.state = error.name === "AbortError" ? "stopped" : gone ? "interrupted" : "error";
    if (answer.state === "error") answer.error = error.message;
    if (answer.state !== "stopped") this.#tell("fail", { error });
  }

  #restore(message) {
    if (message.state === "streaming" || message.state === "interrupted") message.state = "stopped";
    this.#add(message);
  }

  #add(message) {
    this.messages.push(message);
    this.#view.add(message);
    this.#kept.save();
  }

  #changed(message) {
    this.#view.update(message);
    this.#kept.save();
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** Return what turns a growing count into new ones a second, from the first one that is new. */
function rateOf(known) {
  let first = 0;
  let begun = 0;
  return (count) => {
    if (count <= known) return NaN;
    first ||= count;
    begun ||= performance.now();
    return count > first ? (count - first) / ((performance.now() - begun) / 1000) : NaN;
  };
}

/** Drop questions that got no answer at all: templates want the roles to take turns. */
function withoutFailures(messages) {
  const failed = (message) => message?.role === "assistant" && !message.content;
  return messages.filter((message, i) => !failed(message) && !failed(messages[i + 1]));
}
