// Conversations on disk. Messages are records of their own, so two tabs can add to one conversation;
// where the browser keeps nothing, memory does until the page goes.
//
// A window event "wgslm-not-kept" says that the browser refuses what should outlive the tab.

const NAME = "wgslm-conversations";
const BATCH = 100; // messages that a search reads at a time

export class Database {
  #opened = null;
  #memory = { conversations: new Map(), messages: new Map() };
  #last = Promise.resolve(); // change: the next one tries again what this one could not keep

  /** All conversations, without their messages, the one changed last first. */
  async conversations() {
    const kept = await this.#read("conversations", (store) => store.getAll(), []);
    const all = new Map(kept.map((facts) => [facts.id, facts]));
    for (const [id, facts] of this.#memory.conversations) all.set(id, { ...all.get(id), ...facts });
    return [...all.values()].sort((one, other) => other.changed - one.changed);
  }

  /** What is known of a conversation, as {facts, messages}; null if there is none. */
  async conversation(id) {
    const facts = await this.#read("conversations", (store) => store.get(id));
    const kept = await this.#read("messages", (store) => store.getAll(rangeOf(id)), []);
    const remembered = this.#memory.conversations.get(id); // only what has changed since it was kept
    if (!facts && !remembered) return null;
    const messages = new Map([...kept, ...this.#remembered(id)].map((one) => [one.id, one]));
    return { facts: { ...facts, ...remembered }, messages: [...messages.values()] };
  }

  /** Keep changed facts and messages; `isNew` or not: what another tab deleted stays deleted.

      Returns whether they are on the disk: without it they are only in this page. */
  write(id, facts, messages, isNew) {
    return this.#inTurn(() => this.#write(id, facts, messages, isNew));
  }

  removeMessages(id, messages) {
    return this.#inTurn(async () => {
      for (const one of messages) this.#memory.messages.delete(keyOf({ ...one, conversation: id }));
      await this.#change((transaction) => {
        for (const one of messages) transaction.objectStore("messages").delete([id, one.id]);
      });
    });
  }

  removeConversation(id) {
    return this.#inTurn(async () => {
      this.#forget(id);
      await this.#change((transaction) => {
        transaction.objectStore("conversations").delete(id);
        transaction.objectStore("messages").delete(rangeOf(id));
      });
    });
  }

  #inTurn(change) {
    return (this.#last = this.#last.then(change, change));
  }

  async #write(id, facts, messages, isNew) {
    const remembered = this.#memory.conversations.get(id); // what was refused is tried again
    const records = [...this.#remembered(id), ...messages.map((one) => ({ ...one, conversation: id }))];
    const all = { ...remembered, ...facts, id };
    if (await this.#change((transaction) => write(transaction, all, records, isNew || remembered))) {
      this.#forget(id);
      return true;
    }
    this.#memory.conversations.set(id, all);
    for (const record of records) this.#memory.messages.set(keyOf(record), record);
    return false;
  }

  /** Every message, a batch at a time. */
  async *messages() {
    let after = null;
    yield [...this.#memory.messages.values()];
    for (;;) {
      const range = after && IDBKeyRange.lowerBound(after, true);
      const batch = await this.#read("messages", (store) => store.getAll(range, BATCH), []);
      yield batch;
      if (batch.length < BATCH) return;
      after = [batch.at(-1).conversation, batch.at(-1).id];
    }
  }

  #remembered(id) {
    return [...this.#memory.messages.values()].filter((one) => one.conversation === id);
  }

  #forget(id) {
    for (const one of this.#remembered(id)) this.#memory.messages.delete(keyOf(one));
    this.#memory.conversations.delete(id);
  }

  async #read(name, ask, fallback = undefined) {
    const database = await this.#open();
    if (!database) return fallback;
    return new Promise((resolve, reject) => {
      const request = ask(database.transaction(name).objectStore(name));
      request.onsuccess = () => resolve(request.result ?? fallback);
      request.onerror = () => reject(request.error);
    });
  }

  /** Do `work` in a transaction; say whether the browser kept it. */
  async #change(work) {
    const database = await this.#open();
    if (!database) return false;
    try {
      await finished(database.transaction(["conversations", "messages"], "readwrite"), work);
      return true;
    } catch {
      dispatchEvent(new CustomEvent("wgslm-not-kept"));
      return false;
    }
  }

  /** The open database; null where the browser refuses it. */
  #open() {
    const again = () => (this.#opened = null);
    this.#opened ??= open(again).catch(() => {
      dispatchEvent(new CustomEvent("wgslm-not-kept"));
      return again(); // there may be room another time
    });
    return this.#opened;
  }
}

/** As on the disk: an imported copy has messages of the same names. */
const keyOf = ({ conversation, id }) => `${conversation} ${id}`;
const rangeOf = (id) => IDBKeyRange.bound([id], [id, []]);

/** `closed()` is called when the browser closed it, or another page wants to change or delete it. */
function open(closed) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("conversations", { keyPath: "id" });
      request.result.createObjectStore("messages", { keyPath: ["conversation", "id"] });
    };
    request.onsuccess = () => {
      const database = request.result;
      database.onclose = closed;
      database.onversionchange = () => (database.close(), closed());
      resolve(database);
    };
    request.onerror = () => reject(request.error);
  });
}

function write(transaction, facts, records, isNew) {
  const conversations = transaction.objectStore("conversations");
  const messages = transaction.objectStore("messages");
  const known = conversations.get(facts.id);
  known.onsuccess = () => {
    if (!known.result && !isNew) return;
    conversations.put({ ...known.result, ...facts });
    for (const record of records) messages.put(record);
  };
}

function finished(transaction, work) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
    work(transaction);
  });
}
