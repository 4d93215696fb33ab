// Kept files in IndexedDB, for pages that get no file system (file:// in Chromium): every part is a
// record of its own, written in one transaction with its journal line.

const NAME = "wgslm-models";

export class IndexedShelf {
  kind = "indexeddb";

  #opened = null;

  static async open() {
    const shelf = new IndexedShelf();
    await shelf.#database();
    return shelf;
  }

  /** Opened anew after the browser closed it, which it does when it deletes what it holds. */
  async #database() {
    const closed = () => (this.#opened = null);
    this.#opened ??= opened(closed);
    try {
      return await this.#opened;
    } catch (error) {
      closed();
      throw error;
    }
  }

  async #store(name) {
    return (await this.#database()).transaction(name).objectStore(name);
  }

  async journals() {
    const lines = await done((await this.#store("lines")).getAll());
    const journals = new Map();
    for (const { key, line } of lines) journals.set(key, [...(journals.get(key) ?? []), line]);
    return [...journals].map(([key, own]) => [key, own.join("\n")]);
  }

  async journal(key) {
    const own = await done((await this.#store("lines")).index("key").getAll(key));
    return own.length ? own.map(({ line }) => line).join("\n") : null;
  }

  /** No room can be taken ahead of the parts. */
  async begin(key, size, line) {
    const lines = (await this.#store("lines")).index("key");
    if (!(await done(lines.count(key)))) await this.note(key, line);
  }

  async put(key, start, bytes, line) {
    await this.#write((store) => {
      store("parts").put(bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer, [key, start]);
      store("lines").put({ key, line });
    });
  }

  async note(key, line) {
    await this.#write((store) => store("lines").put({ key, line }));
  }

  async get(key, start, stop) {
    const buffer = await done((await this.#store("parts")).get([key, start]));
    if (!buffer) throw new DOMException("it is no longer there", "NotFoundError");
    return new Uint8Array(buffer).subarray(0, stop - start);
  }

  async close() {}

  async remove(key) {
    const lines = (await this.#store("lines")).index("key");
    const numbers = await done(lines.getAllKeys(key));
    await this.#write((store) => {
      store("parts").delete(IDBKeyRange.bound([key, 0], [key, Infinity]));
      for (const number of numbers) store("lines").delete(number);
    });
  }

  /** A transaction is written when it is complete, not when its requests are. */
  async #write(work) {
    const transaction = (await this.#database()).transaction(["parts", "lines"], "readwrite");
    const written = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error ?? new Error("the write was given up"));
    });
    work((name) => transaction.objectStore(name));
    return written;
  }
}

async function opened(closed) {
  const opening = indexedDB.open(NAME, 1);
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore("parts"); // [key, start] -> ArrayBuffer
    opening.result.createObjectStore("lines", { autoIncrement: true }).createIndex("key", "key");
  };
  const database = await done(opening);
  database.onclose = closed;
  database.onversionchange = () => (database.close(), closed()); // another page deletes or changes it
  return database;
}

function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
