// All conversations, and the one that this tab shows. Other tabs hear of what is written here.

import { Conversation, UNSAVED, wholeFacts } from "./conversation.js";
import { Database } from "./database.js";
import { isMessage } from "./message.js";
import { migrate } from "./migrate.js";
import { lastSettings } from "./settings.js";
import * as store from "./store.js";

const CHANNEL = "wgslm-conversations";
const OPEN_LOCK = "wgslm-open-"; // held by each tab that shows the conversation
const ANSWER_LOCK = "wgslm-answer-"; // held by the tab that writes the answer

/** Events: "list" {all}, "current" (another one is shown), "merged" (another tab wrote to it). */
export class Library extends EventTarget {
  current;
  #database = new Database();
  #channel = new BroadcastChannel(CHANNEL);
  #alive = new Map(); // conversations that may have something to write, by id
  #release = () => {};
  #deleted = new Set();
  #listed = new Set(); // that the list has had since this page began

  constructor() {
    super();
    this.current = this.#fresh(tabsOwn());
    this.#channel.onmessage = ({ data }) => this.#hear(data);
    addEventListener("pagehide", () => this.#alive.forEach((one) => one.leave()));
  }

  /** Show what this tab showed before a reload, or the latest that no tab has open. */
  async open() {
    await migrate(this.#database);
    await this.#recover();
    const before = this.current;
    const mine = await this.#database.conversation(before.id);
    const found = mine ?? (tabsOwn() ? null : await this.#latestFree());
    const isTouched = before !== this.current || !before.isEmpty; // somebody was quicker
    if (!isTouched) this.#show(found ? this.#conversation(found) : before);
    await this.list();
  }

  /** Begin a new conversation, with the settings of the one before. */
  create() {
    if (!this.current.isEmpty) this.#show(this.#fresh(undefined, { ...this.current.facts.settings }));
  }

  async select(id) {
    if (id === this.current.id) return;
    const found = this.#alive.get(id) ?? (await this.#load(id));
    if (found) this.#show(found);
  }

  /** The facts of all conversations, the one changed last first. */
  async list() {
    const kept = await this.#database.conversations();
    const all = kept.filter(({ id }) => !this.#deleted.has(id));
    const detail = { all: all.map((facts) => ({ ...wholeFacts(facts), id: facts.id })) };
    this.dispatchEvent(new CustomEvent("list", { detail }));
  }

  async rename(id, title) {
    const conversation = this.#alive.get(id) ?? (await this.#load(id));
    conversation?.set({ title, isNamed: true });
    await conversation?.flush();
  }

  /** Delete a conversation; the function that is returned brings it back. */
  async remove(id) {
    await this.#alive.get(id)?.flush();
    const found = await this.#database.conversation(id);
    this.#deleted.add(id);
    this.#alive.delete(id);
    if (id === this.current.id) this.#show(this.#fresh());
    await this.#database.removeConversation(id);
    this.#post({ type: "removed", id });
    await this.list();
    return () => this.add(found);
  }

  /** Keep a conversation as it is, imported or brought back, and show it. */
  async add({ facts, messages }) {
    this.#deleted.delete(facts.id);
    await this.#database.write(facts.id, facts, messages, true);
    this.#post({ type: "changed", id: facts.id });
    await this.list();
    await this.select(facts.id);
  }

  /** Everything that is kept of a conversation. */
  async read(id) {
    await this.#alive.get(id)?.flush();
    return this.#database.conversation(id);
  }

  /** The ids of the conversations that have a message with this text; stops when `isOver()`. */
  async search(text, isOver) {
    const found = new Set();
    for await (const batch of this.#database.messages()) {
      if (isOver()) break;
      const hits = batch.filter(({ content }) => String(content).toLowerCase().includes(text));
      for (const { conversation } of hits) found.add(conversation);
    }
    return found;
  }

  /** Hold, as long as `work` takes, what tells other tabs that an answer is being written here. */
  whileAnswering(message, work) {
    if (!navigator.locks) return work();
    return navigator.locks.request(ANSWER_LOCK + message.id, work);
  }

  #fresh(id = undefined, settings = lastSettings()) {
    return this.#adopt(new Conversation(this.#database, { id, facts: { settings } }));
  }

  #conversation({ facts, messages }) {
    const found = new Conversation(this.#database, { id: facts.id, facts, messages, isNew: false });
    for (const { id, state } of messages) if (state === "streaming") this.#awaitEnd(facts.id, id);
    return this.#adopt(found);
  }

  /** Take a message and all that follows it out of what is shown; return what was taken. */
  async drop(message) {
    const conversation = this.current;
    const removed = await conversation.remove(message);
    this.#post({ type: "dropped", id: conversation.id, ids: removed.map(({ id }) => id) });
    return removed;
  }

  async #load(id) {
    const found = await this.#database.conversation(id);
    return found && this.#conversation(found);
  }

  #adopt(conversation) {
    this.#alive.set(conversation.id, conversation);
    conversation.addEventListener("kept", () => this.#kept(conversation));
    return conversation;
  }

  #kept({ id, writing }) {
    if (this.#deleted.has(id)) return;
    this.#post({ type: "changed", id });
    if (!writing || !this.#listed.has(id)) this.list();
    this.#listed.add(id);
  }

  #show(conversation) {
    const before = this.current;
    if (before !== conversation && !before.writing) before.flush().then(() => this.#letGo(before));
    this.current = conversation;
    this.#alive.set(conversation.id, conversation);
    store.save("tab", conversation.id, "sessionStorage");
    this.#release();
    const isShown = new Promise((resolve) => (this.#release = resolve));
    navigator.locks?.request(OPEN_LOCK + conversation.id, { mode: "shared" }, () => isShown);
    this.dispatchEvent(new Event("current"));
  }

  #letGo(conversation) {
    const { id, writing } = conversation;
    if (conversation !== this.current && !writing && this.#alive.get(id) === conversation) this.#alive.delete(id);
  }

  async #latestFree() {
    const [latest] = await this.#database.conversations();
    const held = (await navigator.locks?.query())?.held ?? [];
    const isOpen = latest && held.some(({ name }) => name === OPEN_LOCK + latest.id);
    return latest && !isOpen ? this.#database.conversation(latest.id) : null;
  }

  /** Write what pages that went away could not. */
  async #recover() {
    for (const id of store.keysUnder(UNSAVED)) {
      const { facts, messages = [], isNew } = store.load(UNSAVED + id, {}, store.isRecord);
      const sound = Array.isArray(messages) ? messages.filter(isMessage) : [];
      const isKept = !store.isRecord(facts) || (await this.#database.write(id, facts, sound, isNew === true));
      if (isKept) store.remove(UNSAVED + id);
    }
  }

  async #hear({ type, id, ids }) {
    this.list();
    const mine = this.#alive.get(id);
    if (!mine) return;
    if (type === "removed") this.#lose(mine);
    else if (type === "dropped") mine.forget(ids);
    else if (type === "changed") await this.#merge(mine);
    if (mine === this.current) this.dispatchEvent(new Event("merged"));
  }

  async #merge(conversation) {
    const found = await this.#database.conversation(conversation.id);
    if (!found) return;
    conversation.merge(found.messages, found.facts);
    for (const { id, state } of found.messages) {
      if (state === "streaming" && id !== conversation.writing?.id) this.#awaitEnd(conversation.id, id);
    }
  }

  /** Another tab writes this answer: once it has ended, or the tab has, take what there is. */
  async #awaitEnd(id, messageId) {
    const options = { mode: "shared" };
    await navigator.locks?.request(ANSWER_LOCK + messageId, options, () => {});
    const [mine, found] = [this.#alive.get(id), await this.#database.conversation(id)];
    if (!mine || !found) return;
    mine.merge(found.messages, found.facts);
    mine.settle(messageId);
    if (mine === this.current) this.dispatchEvent(new Event("merged"));
  }

  #lose(conversation) {
    this.#alive.delete(conversation.id);
    if (conversation === this.current) this.#show(this.#fresh());
  }

  #post(message) {
    this.#channel.postMessage(message);
  }
}

/** The conversation that this tab had before a reload. */
const tabsOwn = () => store.load("tab", "", store.isText, "sessionStorage") || undefined;
