// Sends what people write, takes the streamed answer, and outlives the worker.

import { eventsOf } from "./api.js";
import { answerTo, question, rewritten } from "./message.js";
import { historyOf } from "./prompt.js";
import { samplingOf, systemOf } from "./settings.js";
import { grown } from "./thinking.js";

const MOST_RECOVERIES = 3; // without a new token: the answer itself may be what kills the worker

/**
 * Events: "change" (what is shown, or whether it runs), "update" {message}, "stats" {timings, live},
 * "begin", "done" {answer}, "fail" {error}.
 */
export class Chat extends EventTarget {
  #api;
  #library;
  model; // the name of the loaded one
  #running = null; // {abort, answer, conversation} of the answer under way
  #broken = null; // {answer, conversation} that a dead worker left unfinished
  #recovered = { id: "", known: 0, times: 0 }; // how often one answer was gone on with, from how many ids

  constructor(api, library) {
    super();
    this.#api = api;
    this.#library = library;
  }

  /** The branch that is shown. */
  get messages() {
    return this.#library.current.path;
  }

  get isRunning() {
    return this.#running !== null;
  }

  /** The conversation that is being answered. */
  get answering() {
    return this.#running?.conversation ?? null;
  }

  async send(text, attachments = []) {
    const conversation = this.#library.current;
    const asked = question(conversation.facts.leaf, text, attachments);
    conversation.add(asked);
    await this.#begin(conversation, answerTo(asked.id));
  }

  /** Answer the same question once more, in a branch of its own. */
  async regenerate(answer) {
    if (!this.isRunning) await this.#begin(this.#library.current, answerTo(answer.parent));
  }

  /** Say something else in a message's place: a question is answered anew, an answer stays as written. */
  async edit(message, text) {
    if (this.isRunning) return;
    const conversation = this.#library.current;
    if (message.role === "assistant") {
      conversation.add(rewritten(message, text));
      this.#tell("change");
      return;
    }
    const asked = question(message.parent, text, message.attachments);
    conversation.add(asked);
    await this.#begin(conversation, answerTo(asked.id));
  }

  /** Go on with an answer from its ids: after Stop, its limit, an error, or an edit. */
  async resume(answer) {
    if (this.isRunning || answer !== this.messages.at(-1)) return;
    await this.#goOn(this.#library.current, answer);
  }

  /** Go on with what a dead worker left unfinished, shown or not. */
  async recover() {
    const broken = this.#broken;
    if (this.isRunning || broken?.answer.state !== "interrupted") return;
    if (this.#mayRecover(broken.answer)) await this.#goOn(broken.conversation, broken.answer);
    else this.#giveUp(broken);
  }

  #mayRecover({ id, ids: { length: known } }) {
    const isSame = this.#recovered.id === id && known <= this.#recovered.known;
    this.#recovered = { id, known, times: isSame ? this.#recovered.times + 1 : 1 };
    return this.#recovered.times <= MOST_RECOVERIES;
  }

  #giveUp({ answer, conversation }) {
    const error = new Error(`The engine stopped ${MOST_RECOVERIES} times at the same place of this answer`);
    this.#breakOff({ answer, conversation }, error);
    this.#changed(conversation, answer);
    conversation.flush();
  }

  stop() {
    this.#running?.abort.abort(new DOMException("stopped", "AbortError"));
  }

  async #begin(conversation, answer) {
    conversation.add(answer);
    await this.#answer(conversation, answer);
  }

  async #goOn(conversation, answer) {
    answer.state = "streaming";
    delete answer.error;
    delete answer.finish_reason;
    await this.#answer(conversation, answer);
  }

  async #answer(conversation, answer) {
    const run = (this.#running = { abort: new AbortController(), answer, conversation });
    conversation.writing = answer;
    this.#tell("change");
    this.#tell("begin");
    await this.#library.whileAnswering(answer, () => this.#follow(run));
  }

  async #follow(run) {
    const { conversation, answer } = run;
    try {
      await this.#stream(run);
      answer.state = "done";
      this.#tell("done", { answer });
    } catch (error) {
      this.#breakOff(run, error);
    } finally {
      this.#running = this.#running === run ? null : this.#running;
      conversation.writing = this.#running?.conversation === conversation ? this.#running.answer : null;
      this.#changed(conversation, answer);
      conversation.flush();
      this.#tell("change");
    }
  }

  async #stream(run) {
    const { conversation, answer } = run;
    const response = await this.#request(run);
    const rate = rateOf(answer.ids.length);
    let isResent = answer.ids.length > 0; // from its start; until that is here the text stays
    for await (const event of eventsOf(response)) {
      if (event.model) answer.model = event.model; // whose ids these are
      if (event.timings) this.#finish(answer, event);
      const { delta, finish_reason } = event.choices[0] ?? {};
      if (finish_reason) answer.finish_reason = finish_reason;
      if (delta === undefined) continue;
      if (isResent && (delta.content !== undefined || delta.reasoning_content !== undefined)) {
        Object.assign(answer, { content: "", ids: [] });
        isResent = false;
      }
      answer.content = grown(answer.content, delta);
      answer.ids.push(...(event.tokens ?? []));
      this.#changed(conversation, answer);
      this.#tell("stats", { live: rate(answer.ids.length) });
    }
  }

  async #request({ conversation, answer, abort: { signal } }) {
    const { settings } = conversation.facts;
    const path = conversation.tree.path(answer.id);
    const asked = { ...samplingOf(settings), messages: historyOf(path, answer, systemOf(settings)) };
    const areItsIds = answer.ids.length && answer.model === this.model;
    if (answer.content && !areItsIds) answer.ids = await this.#idsOf(answer.content, signal);
    if (answer.ids.length) return this.#api.post("/wgslm/continue", { ...asked, ids: answer.ids }, signal);
    const stream = { stream: true, stream_options: { include_usage: true }, return_tokens: true };
    return this.#api.post("/v1/chat/completions", { ...asked, ...stream }, signal);
  }

  async #idsOf(text, signal) {
    return (await (await this.#api.post("/wgslm/tokenize", { text, bos: false }, signal)).json()).ids;
  }

  #finish(answer, { timings, usage }) {
    Object.assign(answer, { timings, usage });
    this.#tell("stats", { timings });
  }

  #breakOff({ answer, conversation }, error) {
    const isGone = error.code === "worker_gone" || error.code === "device_lost";
    answer.state = error.name === "AbortError" ? "stopped" : isGone ? "interrupted" : "error";
    if (isGone) this.#broken = { answer, conversation };
    if (answer.state === "error") answer.error = error.message;
    if (answer.state !== "stopped") this.#tell("fail", { error });
  }

  #changed(conversation, message) {
    conversation.touch(message);
    this.#tell("update", { message });
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
