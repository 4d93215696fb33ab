// Files that were picked from this computer, so that they can be loaded again: the browser's handles of
// them, kept in IndexedDB. Only some browsers give handles; whether a file may be read is asked each time.

const NAME = "wgslm-files";
const STORE = "picked";
const MOST = 20;
const TYPES = [{ description: "GGUF models", accept: { "application/octet-stream": [".gguf"] } }];

/** Whether this browser can open a file again that was picked before. */
export const canKeep = () => "showOpenFilePicker" in self;

/** Let somebody choose files; [] if they do not. */
export async function choose() {
  try {
    return await self.showOpenFilePicker({ multiple: true, types: TYPES, excludeAcceptAllOption: false });
  } catch (error) {
    if (error.name === "AbortError") return [];
    throw error;
  }
}

/** The handles of what is dropped; to be asked for while the drop is handled. */
export async function dropped(items) {
  const asked = [...items].filter(({ kind }) => kind === "file").map((item) => item.getAsFileSystemHandle?.());
  return (await Promise.all(asked)).filter((handle) => handle?.kind === "file");
}

/** All that are kept, the last used first: {id, name, size, quant, used, handles}. */
export async function pickedModels() {
  const all = await request("readonly", (store) => store.getAll()).catch(() => []);
  return all.sort((one, other) => other.used - one.used);
}

/** Keep the handles of a model that was loaded; what the browser refuses is not kept. */
export async function rememberPicked(handles, { name, quant, nbytes }) {
  const others = await pickedModels();
  const same = await Promise.all(others.map((one) => isSame(one.handles, handles)));
  const id = others[same.indexOf(true)]?.id ?? crypto.randomUUID();
  const model = { id, name, quant, size: nbytes, used: Date.now() / 1000, handles };
  await request("readwrite", (store) => store.put(model)).catch(() => {});
  for (const one of others.filter((other) => other.id !== id).slice(MOST - 1)) await forgetPicked(one.id);
}

export async function forgetPicked(id) {
  await request("readwrite", (store) => store.delete(id)).catch(() => {});
}

/** The files of a kept model, once reading them is allowed; throws a sentence. */
export async function filesOf({ name, handles }) {
  try {
    for (const handle of handles) {
      if ((await handle.requestPermission?.({ mode: "read" })) === "denied") throw new Error("the browser was not allowed to read it");
    }
    return await Promise.all(handles.map((handle) => handle.getFile()));
  } catch (error) {
    const why = error.name === "NotFoundError" ? "it was moved or deleted" : error.message;
    throw new Error(`${name} cannot be read again: ${why}. Choose the file once more.`);
  }
}

async function isSame(one, other) {
  if (one.length !== other.length) return false;
  const same = await Promise.all(one.map((handle, i) => handle.isSameEntry(other[i])));
  return same.every(Boolean);
}

async function request(mode, work) {
  const database = await opened();
  try {
    return await settled(work(database.transaction(STORE, mode).objectStore(STORE)));
  } finally {
    database.close();
  }
}

function opened() {
  const opening = indexedDB.open(NAME, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: "id" });
  return settled(opening);
}

function settled(asked) {
  return new Promise((resolve, reject) => {
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}
