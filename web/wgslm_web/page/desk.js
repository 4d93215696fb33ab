// Everything about talking: the conversations, the one that is shown, its messages and settings.

import { announce, announceAnswer } from "./announcer.js";
import { Attachments } from "./attachments.js";
import { Chat } from "./chat.js";
import { Composer } from "./controls.js";
import { byId as $, download } from "./dom.js";
import { fromFile, toJson, toMarkdown } from "./exchange.js";
import { inspectPrompt } from "./inspector.js";
import { Library } from "./library.js";
import { Meter } from "./meter.js";
import { showNotice } from "./notice.js";
import { fenced, historyOf } from "./prompt.js";
import { SettingsView, systemOf } from "./settings.js";
import { Shelf } from "./shelf.js";
import { ChatView } from "./view.js";

const RESERVE = 512; // tokens that are left for the answer when a file is cut, if there are as many

/** Events: "change" (whether an answer is being written), "fail" {error}. */
export class Desk extends EventTarget {
  library = new Library();
  #api;
  #model = null; // the facts of the loaded one
  #context = 0; // its tokens
  #all = []; // the facts of all conversations
  #ready = false;

  /** `failed(error)` shows an error that belongs to no answer. */
  constructor(api, failed) {
    super();
    this.#api = api;
    this.failed = failed;
    this.chat = new Chat(api, this.library);
    this.composer = new Composer(this.#composerActions());
    this.attachments = new Attachments(this.#filesNeed());
    this.meter = new Meter(async () => (await this.#countTokens()) + this.attachments.tokens);
    this.view = new ChatView({ ...viewParts(), actions: this.#messageActions() });
    this.shelf = new Shelf(this.#shelfActions());
    this.settings = new SettingsView({ ...settingsParts(), take: (settings) => this.#set(settings) });
    this.#listen();
    this.#showConversation();
  }

  /** A model is loaded, with so large a context and such a sampling recommended; or none is. */
  allow({ ready, coming, model }) {
    const running = this.chat.isRunning;
    const context = model?.context ?? 0;
    if (model && model !== this.#model) this.settings.suit(model.sampling);
    this.#model = model;
    this.chat.model = model?.name;
    const isOther = context !== this.#context || ready !== this.#ready;
    [this.#ready, this.#context] = [ready, context];
    this.composer.refresh({ ready, coming, running });
    this.view.allow({ ready, running });
    if (isOther) this.#measure();
  }

  create() {
    this.library.create();
    this.composer.focus();
  }

  attach(files) {
    return this.attachments.add(files);
  }

  regenerate() {
    const last = this.chat.messages.at(-1);
    if (this.#ready && last?.role === "assistant") this.chat.regenerate(last);
  }

  editLast() {
    const last = this.chat.messages.findLast(({ role }) => role === "user");
    if (last && !this.chat.isRunning) this.view.edit(last);
  }

  copyLast() {
    const shown = $("log").querySelectorAll(".message[data-role=assistant]");
    [...shown].at(-1)?.querySelector(".tools button[aria-label=Copy]")?.click();
  }

  async exportAll() {
    const found = await Promise.all(this.#all.map(({ id }) => this.library.read(id)));
    download("wgslm-conversations.json", toJson(found.filter(Boolean)), "application/json");
  }

  exportShown() {
    const { current } = this.library;
    const name = current.title.replace(/[^\p{L}\p{N}]+/gu, "-").slice(0, 60);
    download(`${name}.md`, toMarkdown(current), "text/markdown");
  }

  async import(files) {
    try {
      const found = (await Promise.all(files.map(async (file) => fromFile(file.name, await file.text())))).flat();
      for (const one of found) await this.library.add(one);
      showNotice(found.length === 1 ? "1 conversation was imported." : `${found.length} conversations were imported.`);
    } catch (error) {
      this.failed(error);
    }
  }

  #listen() {
    const { library, chat } = this;
    library.addEventListener("list", ({ detail }) => ((this.#all = detail.all), this.#showList()));
    library.addEventListener("current", () => this.#showConversation());
    library.addEventListener("merged", () => (this.#showMessages(), this.view.updateAll()));
    chat.addEventListener("change", () => this.#changed());
    chat.addEventListener("update", ({ detail }) => this.view.update(detail.message));
    chat.addEventListener("begin", () => announce("The model is answering."));
    chat.addEventListener("done", ({ detail }) => announceAnswer(detail.answer));
  }

  #changed() {
    this.#showMessages();
    this.#showList();
    this.#measure();
    this.dispatchEvent(new Event("change"));
  }

  #showConversation() {
    const { current } = this.library;
    this.settings.show(current.facts.settings);
    this.composer.show(current.id);
    this.attachments.clear();
    this.composer.refresh({ hasFiles: false });
    this.#showMessages();
    this.view.follow();
    this.#showList();
    this.#measure();
  }

  #showMessages() {
    const { current } = this.library;
    const branches = (message) => {
      const siblings = current.tree.siblings(message);
      return { count: siblings.length, place: siblings.indexOf(message) };
    };
    this.view.show(current.path, branches);
    for (const id of ["export-markdown", "inspect"]) $(id).disabled = current.isEmpty;
    document.title = current.isEmpty ? "wgslm" : `${current.title} · wgslm`;
  }

  #showList() {
    this.shelf.show(this.#all, this.library.current.id, this.chat.answering?.id);
    $("export-json").disabled = !this.#all.length;
  }

  #send(text) {
    const files = this.attachments.take();
    this.composer.refresh({ hasFiles: false });
    this.view.follow();
    this.chat.send(text, files);
  }

  #set(settings) {
    this.library.current.set({ settings });
    this.#measure();
  }

  #measure() {
    this.meter?.refresh(this.#ready && !this.chat.isRunning ? this.#context : 0);
  }

  /** The tokens of what is shown and typed, asked for as little as possible. */
  async #countTokens() {
    const { current } = this.library;
    const last = current.path.at(-1);
    const draft = this.composer.text;
    const typed = draft ? (await this.#tokens({ text: draft, bos: false })).ids.length : 0;
    const isCounted = last?.state === "done" && last.usage && last.model === this.#model?.name;
    if (isCounted) return last.usage.total_tokens + typed;
    const messages = historyOf(current.path, null, systemOf(current.facts.settings));
    const said = messages.length ? (await this.#tokens({ messages })).ids.length : 0;
    return said + typed;
  }

  async #tokens(asked) {
    return (await this.#api.post("/wgslm/tokenize", asked)).json();
  }

  #filesNeed() {
    return {
      left: () => this.#tokensLeft(),
      fit: (name, text, limit) => this.#fit(name, text, limit),
      refuse: (message) => this.failed({ message }),
      changed: () => {
        this.composer.refresh({ hasFiles: this.attachments.items.length > 0 });
        this.#measure();
      },
    };
  }

  #composerActions() {
    return { send: (text) => this.#send(text), stop: () => this.chat.stop(), typed: () => this.#measure() };
  }

  /** How many tokens files may have; NaN where there is no model. */
  async #tokensLeft() {
    if (!this.#ready) return NaN;
    return this.#context - (await this.#countTokens()) - Math.min(RESERVE, this.#context / 4);
  }

  /** As much of a file as so many tokens hold, with what is written around it. */
  async #fit(name, text, limit) {
    const around = (await this.#tokens({ text: fenced({ name, text: "" }), bos: false })).ids.length;
    const { ids, text: kept } = await this.#tokens({ text, bos: false, limit: Math.max(1, limit - around) });
    return { text: kept, tokens: ids.length + around };
  }

  #messageActions() {
    const { chat } = this;
    return {
      resume: (message) => chat.resume(message),
      regenerate: (message) => chat.regenerate(message),
      edit: (message, text) => chat.edit(message, text),
      branch: (message, step) => (this.library.current.branch(message, step), this.#changed()),
      inspect: (message) => this.inspect(message),
      remove: (message) => this.#removeMessage(message),
    };
  }

  /** Show what the model read before an answer, or would read now. */
  async inspect(answer = null) {
    const { path, facts } = this.library.current;
    try {
      await inspectPrompt(this.#api, historyOf(path, answer, systemOf(facts.settings)));
    } catch (error) {
      this.failed(error);
    }
  }

  async #removeMessage(message) {
    const { current } = this.library;
    const removed = await this.library.drop(message);
    this.#changed();
    const restore = () => (current.restore(removed), this.#changed());
    const text = removed.length === 1 ? "1 message was deleted." : `${removed.length} messages were deleted.`;
    showNotice(text, { label: "Undo", run: restore });
    this.composer.takeFocus();
  }

  #shelfActions() {
    return {
      open: (id) => this.library.select(id),
      rename: (id, title) => this.library.rename(id, title).then(() => this.#showMessages()),
      remove: (id) => this.#removeConversation(id),
      search: (text, isOver) => this.library.search(text, isOver),
    };
  }

  async #removeConversation(id) {
    if (this.chat.answering?.id === id) this.chat.stop();
    const title = this.#all.find((facts) => facts.id === id)?.title || "Untitled";
    const undo = await this.library.remove(id);
    showNotice(`“${title}” was deleted.`, { label: "Undo", run: undo });
    this.composer.takeFocus();
  }
}

const viewParts = () => ({
  log: $("log"), scroller: $("scroller"), welcome: $("welcome"), toEnd: $("to-end"), earlier: $("earlier"),
});
const settingsParts = () => ({ container: $("settings"), systemPrompt: $("system-prompt"), resetButton: $("reset-settings") });
