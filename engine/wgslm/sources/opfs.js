// Kept files in the origin private file system: a folder a file, with `bytes` and `journal` in it.

const JOURNAL_TRIES = 10;
const FOLDER = "wgslm-models";
const TRIES = 20; // a tab that was killed holds its handles for a moment longer
const PAUSE_MS = 100;

export class OpfsShelf {
  kind = "opfs";
  #open = new Map(); // key -> {bytes, journal, size}: handles of the files that are written here

  static async open() {
    await models();
    return new OpfsShelf();
  }

  async journals() {
    const found = [];
    for await (const [key, folder] of (await models()).entries()) {
      const text = await journalIn(folder);
      if (text !== null) found.push([key, text]);
    }
    return found;
  }

  async journal(key) {
    const folder = await (await models()).getDirectoryHandle(key).catch(missing);
    return folder && journalIn(folder);
  }

  /** Take the room for the whole: over the quota `truncate` throws, which `write` does not. */
  async begin(key, size, line) {
    const folder = await (await models()).getDirectoryHandle(key, { create: true });
    await this.close(key); // an open handle would shut this one out
    const bytes = await accessHandle(await folder.getFileHandle("bytes", { create: true }));
    try {
      const journal = await accessHandle(await folder.getFileHandle("journal", { create: true }));
      this.#open.set(key, { bytes, journal });
    } catch (error) {
      bytes.close();
      throw error;
    }
    await this.#begin(this.#open.get(key), size, line);
  }

  #begin({ bytes, journal }, size, line) {
    if (bytes.getSize() !== size) bytes.truncate(size);
    if (!journal.getSize()) append(journal, line);
  }

  async put(key, start, bytes, line) {
    const files = this.#files(key);
    write(files.bytes, bytes, start);
    append(files.journal, line);
  }

  async note(key, line) {
    const open = this.#open.get(key);
    if (open) return append(open.journal, line);
    const folder = await (await models()).getDirectoryHandle(key);
    const journal = await (await folder.getFileHandle("journal")).createSyncAccessHandle();
    try {
      append(journal, line);
    } finally {
      journal.close();
    }
  }

  async get(key, start, stop) {
    const open = this.#open.get(key);
    if (open) {
      const bytes = new Uint8Array(stop - start);
      return bytes.subarray(0, open.bytes.read(bytes, { at: start }));
    }
    const folder = await (await models()).getDirectoryHandle(key);
    const file = await (await folder.getFileHandle("bytes")).getFile(); // needs no handle
    return new Uint8Array(await file.slice(start, stop).arrayBuffer());
  }

  async close(key) {
    const open = this.#open.get(key);
    this.#open.delete(key);
    open?.bytes.close();
    open?.journal.close();
  }

  async remove(key) {
    await this.close(key);
    await (await models()).removeEntry(key, { recursive: true }).catch((error) => {
      if (error.name !== "NotFoundError") throw error;
    });
  }

  #files(key) {
    const open = this.#open.get(key);
    if (!open) throw new Error(`${key} is not open for writing`);
    return open;
  }
}

/** Asked for anew each time: the browser may delete it, and a handle to what was there is of no use. */
async function models() {
  const root = await navigator.storage.getDirectory();
  return root.getDirectoryHandle(FOLDER, { create: true });
}

async function journalIn(folder) {
  const file = await folder.getFileHandle("journal").catch(missing);
  for (let tries = 1; file; tries++) {
    try {
      return await (await file.getFile()).text();
    } catch (error) {
      // A file that is written between the two cannot be read as it was.
      if (error.name !== "NotReadableError" || tries === JOURNAL_TRIES) throw error;
    }
  }
  return null;
}

/** null for what is not there; any other failure says nothing of that. */
function missing(error) {
  if (error.name === "NotFoundError") return null;
  throw error;
}

/** Over the quota Chromium 156 returns 4294967288 instead of throwing. */
function write(file, bytes, at) {
  const written = file.write(bytes, { at });
  if (written === bytes.length) return;
  throw new DOMException(`${written} of ${bytes.length} bytes were written`, "QuotaExceededError");
}

/** A line break comes first: what was there may end in the middle of a line. */
function append(journal, line) {
  write(journal, new TextEncoder().encode(`\n${line}`), journal.getSize());
}

async function accessHandle(file) {
  for (let tries = TRIES; ; tries--) {
    try {
      return await file.createSyncAccessHandle();
    } catch (error) {
      if (error.name !== "NoModificationAllowedError" || !tries) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
