// The files of one version of the site in the browser's cache: stored checked, answered from there.

const AT_ONCE = 4;
const KEPT_HEADERS = ["content-type", "etag", "last-modified"];

export class SiteFiles {
  #prefix;
  #name;
  #files;
  #scope;
  #paths; // by address

  /** `files` has the SHA-256 in hex and the bytes of each path; `scope` is where the site lies. */
  constructor({ version, files }, scope) {
    this.#files = files;
    this.#scope = scope;
    this.#paths = new Map(Object.keys(files).map((path) => [this.#url(path), path]));
    this.#prefix = `wgslm ${scope.pathname} `; // another copy on this origin has caches of its own
    this.#name = this.#prefix + version;
  }

  /** Store what is not stored yet; throws a sentence if a file is not what the list says. */
  async store() {
    const cache = await caches.open(this.#name);
    const waiting = Object.keys(this.#files);
    const storeSome = async () => {
      for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) await this.#store(cache, path);
    };
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, storeSome));
    } catch (error) {
      if (error.name === "Mismatch") await caches.delete(this.#name); // a cut goes on with what there is
      throw error;
    }
  }

  /** Delete every other version. */
  async forgetOthers() {
    const names = await caches.keys();
    const others = names.filter((name) => name.startsWith(this.#prefix) && name !== this.#name);
    await Promise.all(others.map((name) => caches.delete(name)));
  }

  /** Return the path of the file that this address means, or null if it is none of ours. */
  find(url, mode) {
    if (url.search && mode !== "navigate") return null; // ?model= and the like are for the page
    const address = url.origin + url.pathname;
    return address === this.#scope.href ? "index.html" : (this.#paths.get(address) ?? null);
  }

  /** Answer from the cache; where the person has emptied it, from the network. */
  async answer(request, path) {
    return (await caches.match(this.#url(path), { cacheName: this.#name })) ?? fetch(request);
  }

  async #store(cache, path) {
    const url = this.#url(path);
    if (await cache.match(url)) return; // checked when it was put there
    const made = (await this.#fromOther(path)) ?? (await this.#fromNetwork(path));
    await cache.put(url, made);
  }

  /** Another version may have the same file. */
  async #fromOther(path) {
    for (const name of await caches.keys()) {
      if (!name.startsWith(this.#prefix) || name === this.#name) continue;
      const response = await caches.match(this.#url(path), { cacheName: name });
      if (!response) continue;
      const bytes = await response.arrayBuffer();
      if (await this.#isRight(path, bytes)) return checked(response, bytes);
    }
    return null;
  }

  /** What the browser has of it is asked about first; if that is damaged, all is sent again. */
  async #fromNetwork(path) {
    let found = "";
    for (const cache of ["no-cache", "reload"]) {
      const response = await fetch(this.#url(path), { cache });
      if (!response.ok) throw new Error(`${path}: the server answered ${response.status}`);
      const bytes = await response.arrayBuffer();
      if (await this.#isRight(path, bytes)) return checked(response, bytes);
      found = `${bytes.byteLength} bytes with another SHA-256`;
    }
    const message = `${path} is not the file that this version has: the server sent ${found}`;
    throw Object.assign(new Error(message), { name: "Mismatch" });
  }

  async #isRight(path, bytes) {
    const [sha256, nbytes] = this.#files[path];
    if (bytes.byteLength !== nbytes) return false;
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("") === sha256;
  }

  #url(path) {
    return new URL(path.replace(/[%?#]/g, encodeURIComponent), this.#scope).href;
  }
}

/** A response of these bytes, without what was true of their transport only. */
function checked({ headers }, bytes) {
  const kept = KEPT_HEADERS.filter((name) => headers.has(name)).map((name) => [name, headers.get(name)]);
  return new Response(bytes, { headers: [...kept, ["content-length", String(bytes.byteLength)]] });
}
