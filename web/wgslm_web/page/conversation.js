// One conversation: its messages, which branch is shown, its settings; keeps itself as it changes.

import { isMessage, newId, settled } from "./message.js";
import * as store from "./store.js";
import { MessageTree } from "./tree.js";

export const UNSAVED = "unsaved."; // what a page that goes away could not wait to see written
const LONGEST_TITLE = 60;
const WAIT_MS = 400;

/** Events: "kept" once something is written. */
export class Conversation extends EventTarget {
  id;
  tree;
  facts; // {title, isNamed, created, changed, leaf, settings}
  isNew; // nothing of it is kept yet
  writing = null; // the answer that this tab is at
  #database;
  #dirty = new Set();
  #changes = {};
  #sent = new Set(); // {messages, isNew} that are being written: if the page goes away now, they may not be
  #timer = 0;

  constructor(database, { id = newId(), facts = {}, messages = [], isNew = true } = {}) {
    super();
    this.#database = database;
    Object.assign(this, { id, isNew, facts: wholeFacts(facts) });
    this.tree = new MessageTree(messages.filter(isMessage).map(withoutHome).map(settled));
    if (!this.tree.get(this.facts.leaf)) this.facts.leaf = this.#newest();
  }

  /** The messages of the branch that is shown. */
  get path() {
    return this.tree.path(this.facts.leaf);
  }

  get title() {
    return this.facts.title || "Untitled";
  }

  get isEmpty() {
    return !this.tree.all.length;
  }

  get #isNothing() {
    return this.isEmpty && this.isNew;
  }

  /** Add a message and show its branch. */
  add(message) {
    this.tree.add(message);
    this.#dirty.add(message);
    this.set({ leaf: message.id, ...this.#titleFrom(message) });
  }

  /** A message has changed. */
  touch(message) {
    if (!this.tree.get(message.id)) return; // it was deleted meanwhile
    this.#dirty.add(message);
    this.set({});
  }

  set(changes) {
    Object.assign(this.facts, changes, { changed: Date.now() });
    Object.assign(this.#changes, changes, { changed: this.facts.changed });
    if (!this.#isNothing) this.#timer ||= setTimeout(() => this.flush(), WAIT_MS);
  }

  /** Show another message in this one's place, `step` further among its branches. */
  branch(message, step) {
    const siblings = this.tree.siblings(message);
    const other = siblings[siblings.indexOf(message) + step];
    if (other) this.set({ leaf: this.tree.end(other).id });
  }

  /** Take a message out with all that follows, in every branch; return what was taken. */
  async remove(message) {
    const siblings = this.tree.siblings(message);
    const place = siblings.indexOf(message);
    const other = siblings[place + 1] ?? siblings[place - 1];
    const removed = this.tree.remove(message);
    for (const one of removed) this.#dirty.delete(one);
    this.set({ leaf: other ? this.tree.end(other).id : message.parent });
    await this.#database.removeMessages(this.id, removed);
    this.#tell();
    return removed;
  }

  /** Put back what `remove` took. */
  restore(messages) {
    for (const message of messages) this.add(message);
    this.set({ leaf: this.tree.end(messages[0]).id });
  }

  /** Take in what another tab has written, except where this one is ahead. */
  merge(messages, facts) {
    const kept = new Map(messages.filter(isMessage).map(withoutHome).map((one) => [one.id, one]));
    for (const message of kept.values()) {
      const mine = this.tree.get(message.id);
      if (!mine && this.#fits(message)) this.tree.add(message);
      else if (mine && mine !== this.writing && !this.#dirty.has(mine)) Object.assign(mine, message);
    }
    const { title, isNamed } = { ...this.facts, ...soundFacts(facts) };
    Object.assign(this.facts, { title, isNamed });
  }

  /** Nobody writes this answer any more. */
  settle(id) {
    const message = this.tree.get(id);
    if (message && message !== this.writing) Object.assign(message, settled(message));
  }

  /** Forget what another tab has deleted. */
  forget(ids) {
    for (const message of ids.map((id) => this.tree.get(id)).filter(Boolean)) {
      const isShown = this.path.includes(message);
      if (this.tree.get(message.id)) this.tree.remove(message);
      if (isShown) this.facts.leaf = message.parent ?? this.#newest();
    }
  }

  /** Write at once what is not written yet. */
  async flush() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (this.#isNothing) return;
    const [messages, changes, isNew] = [[...this.#dirty], this.#changes, this.isNew];
    const sent = { messages, isNew };
    this.#sent.add(sent);
    this.#dirty.clear();
    this.#changes = {};
    this.isNew = false;
    const isKept = await this.#database.write(this.id, isNew ? this.facts : changes, messages, isNew);
    this.#sent.delete(sent);
    if (isKept && !this.#sent.size) store.remove(UNSAVED + this.id);
    this.#tell();
  }

  /** The page goes away: IndexedDB may be too slow for what is not written yet. */
  leave() {
    const sent = [...this.#sent];
    if (this.#isNothing || (!sent.length && !Object.keys(this.#changes).length)) return;
    const { id, facts } = this;
    const messages = new Set([...sent.flatMap((one) => one.messages), ...this.#dirty]);
    store.save(UNSAVED + id, { facts, messages: [...messages], isNew: this.isNew || sent.some((one) => one.isNew) });
    this.flush();
  }

  #titleFrom({ role, content, attachments }) {
    if (this.facts.title || role !== "user") return {};
    return { title: titleOf(content || attachments?.[0]?.name || "") };
  }

  #newest() {
    const [first] = this.tree.siblings({ parent: null }).slice(-1);
    return first ? this.tree.end(first).id : null;
  }

  #fits({ parent }) {
    return parent === null || this.tree.get(parent) !== undefined;
  }

  #tell() {
    this.dispatchEvent(new Event("kept"));
  }
}

const fresh = () => {
  const now = Date.now();
  return { title: "", isNamed: false, created: now, changed: now, leaf: null, settings: {} };
};

const withoutHome = ({ conversation: _, ...message }) => message;

export function titleOf(text) {
  const line = text.trim().replace(/\s+/g, " ");
  if (line.length <= LONGEST_TITLE) return line;
  const cut = line.slice(0, LONGEST_TITLE);
  return `${cut.slice(0, Math.max(cut.lastIndexOf(" "), LONGEST_TITLE / 2))}…`;
}

/** The facts of a conversation; what is missing or damaged is as in a new one. */
export function wholeFacts(facts) {
  return { ...fresh(), ...soundFacts(facts) };
}

/** Only what has the right kind: storage may be of an older page, or damaged. */
function soundFacts(facts) {
  const kinds = { title: "string", isNamed: "boolean", created: "number", changed: "number", leaf: "string" };
  const names = Object.keys(kinds).filter((name) => typeof facts?.[name] === kinds[name]);
  const sound = Object.fromEntries(names.map((name) => [name, facts[name]]));
  return store.isRecord(facts?.settings) ? { ...sound, settings: facts.settings } : sound;
}
