// Short texts that outlive the tab, by name.

const CACHE = "wgslm-notes";
const address = (name) => `https://wgslm.invalid/${name}`; // a cache wants one; nobody asks for it

/** Resolves to a text, or null. */
export async function readNote(name) {
  const found = await (await caches.open(CACHE)).match(address(name));
  return found ? found.text() : null;
}

export async function writeNote(name, text) {
  await (await caches.open(CACHE)).put(address(name), new Response(text));
}
