// A picture of Python's memory after its imports: made on this machine after a visit, started from
// on the next. It holds machine state, so it is of this very browser and these very files, and it is
// not used on file://, where every other page could have written it.
//
// While a start from it is under way a mark lies beside it: whoever finds the mark drops both.

const CACHE = "wgslm-snapshot";
const MARK = new URL("./snapshot-starting", import.meta.url);

export const isAllowed = () => self.origin.startsWith("http") && "caches" in self;

/** Where the picture for these bytes of app.zip lies. */
export async function placeOf(archive) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", archive));
  const place = new URL("./snapshot", import.meta.url);
  place.searchParams.set("app", Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join(""));
  place.searchParams.set("browser", navigator.userAgent);
  return place.href;
}

/** Return the picture and mark that a start from it begins; null if there is none, or it failed before. */
export async function take(place) {
  if (!isAllowed()) return null;
  const cache = await caches.open(CACHE);
  const [found, mark] = await Promise.all([cache.match(place), cache.match(MARK)]);
  if (mark) await forget();
  if (mark || !found) return null;
  await cache.put(MARK, new Response(""));
  return new Uint8Array(await found.arrayBuffer());
}

/** The start from the picture went well. */
export async function clearMark() {
  await (await caches.open(CACHE)).delete(MARK);
}

/** Keep a picture, and none but it. */
export async function keep(place, bytes) {
  await forget();
  await (await caches.open(CACHE)).put(place, new Response(bytes));
}

/** Drop what this site kept, the mark too; the other sites of the origin have their own. */
export async function forget() {
  const folder = new URL("./snapshot", import.meta.url).href;
  const cache = await caches.open(CACHE);
  for (const request of await cache.keys()) if (request.url.startsWith(folder)) await cache.delete(request);
}
