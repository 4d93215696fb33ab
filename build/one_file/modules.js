// Runs the modules of this file, which the build has made functions: each once, when it is first used.
// Every script of wgslm.html begins with this; MODULES comes after it.

// Where the modules believe they are. Nothing is asked there: what a module looks for beside itself
// is in this file.
const SITE = "https://wgslm.invalid/";
const made = {};

/** What the module of this path exports. */
function __use(name) {
  if (!Object.hasOwn(MODULES, name)) throw new TypeError(`${name} is not in this file`);
  made[name] ??= MODULES[name](SITE + name);
  return made[name];
}

/** import(place), written in the module at `url`. */
async function __load(url, place) {
  return __use(new URL(place, url).href.slice(SITE.length));
}

/**
 * Let workers start from this script, a Blob that holds them all: the part after # says which is meant.
 * They get it too, for workers of theirs: no address of the page's blobs is good in a worker from disk.
 */
function carryWorkers(script, files) {
  const Started = self.Worker;
  const start = URL.createObjectURL(script);
  const address = (path) => `${start}#${path}`;
  const policy = self.trustedTypes?.createPolicy("wgslm-file", { createScriptURL: address });
  const place = (url) => {
    if (!String(url).startsWith(SITE)) throw new TypeError(`${url} is not in this file`);
    const path = String(url).slice(SITE.length);
    return policy ? policy.createScriptURL(path) : address(path);
  };
  self.Worker = class extends Started {
    constructor(url, { name } = {}) {
      super(place(url), { name }); // a classic one: Chromium starts no module of a page from disk
      this.postMessage({ files, script });
    }
  };
}
