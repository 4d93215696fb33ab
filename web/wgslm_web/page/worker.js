// The worker: boots Python, gives it the GPU and network modules, and connects it to the page.
// In another life it only makes the snapshot that later starts begin with.

import * as snapshot from "./snapshot.js";

const ARCHIVE = "/app.zip"; // Python imports out of it: nothing is unpacked
const PAGE_NBYTES = 65536; // of WebAssembly's memory

const tell = (type, fields = {}) => self.postMessage({ type, ...fields });

self.onmessage = ({ data }) => {
  if (data.type === "ping") tell("pong");
  else if (data.type === "start") start(data);
  else if (data.type === "freeze") freeze().then((nbytes) => tell("frozen", { nbytes }), stop);
};

const stop = (error) => tell("fatal", { message: String(error) });

function start({ port, lock }) {
  navigator.locks?.request(lock, () => (tell("locked"), new Promise(() => {}))); // until death
  boot(port).catch(stop);
}

async function boot(port) {
  const begun = performance.now();
  tell("boot", { stage: "python", text: "Starting Python" });
  const [archive, modules] = await Promise.all([fetchApp(), importModules()]);
  const { python, isThawed } = await startPython(archive);
  const booted = performance.now();
  tell("boot", { stage: "app", text: "Starting the engine" });
  python.registerJsModule("wgslm_js", modules);
  connect(python, port);
  tell("up", { python_ms: booted - begun, app_ms: performance.now() - booted, isThawed });
  if (isThawed) await snapshot.clearMark();
}

/** Start from the snapshot of an earlier visit; without one, or when it does not fit, from nothing. */
async function startPython(archive) {
  const place = await snapshot.placeOf(archive);
  const kept = await snapshot.take(place).catch(() => null); // storage may be refused
  if (kept) {
    try {
      const python = await withMemory(kept.length, () => load(archive, { _loadSnapshot: kept }));
      return { python, isThawed: true };
    } catch (error) {
      console.warn(`Python did not start from its snapshot (${error}); it starts without.`);
      await snapshot.forget();
    }
  }
  return { python: await load(archive), isThawed: false };
}

/** Let what `start` instantiates begin with this much memory: loadPyodide leaves it as the module has it. */
async function withMemory(nbytes, start) {
  const { instantiateStreaming } = WebAssembly;
  WebAssembly.instantiateStreaming = async (...given) => {
    const made = await instantiateStreaming.apply(WebAssembly, given);
    const { memory } = made.instance.exports;
    if (memory) memory.grow(Math.max(0, Math.ceil((nbytes - memory.buffer.byteLength) / PAGE_NBYTES)));
    return made;
  };
  try {
    return await start();
  } finally {
    WebAssembly.instantiateStreaming = instantiateStreaming;
  }
}

async function load(archive, options = {}) {
  const { loadPyodide } = await import("./pyodide/pyodide.mjs");
  const indexURL = new URL("./pyodide/", import.meta.url).href;
  const python = await loadPyodide({ indexURL, ...options });
  python._api.on_fatal = (error) => tell("fatal", { message: `Python stopped: ${error.message ?? error}` });
  python.FS.writeFile(ARCHIVE, new Uint8Array(archive));
  python.runPython(`import sys\nif "${ARCHIVE}" not in sys.path: sys.path.insert(0, "${ARCHIVE}")`);
  return python;
}

/** Make the snapshot: Python with everything imported that a start imports, and nothing of the page. */
async function freeze() {
  const archive = await fetchApp();
  const python = await load(archive, { _makeSnapshot: true });
  python.runPython("import wgslm_web.tab");
  const bytes = python.makeMemorySnapshot();
  await snapshot.keep(await snapshot.placeOf(archive), bytes);
  return bytes.length;
}

async function fetchApp() {
  const response = await fetch(new URL("./app.zip", import.meta.url));
  if (!response.ok) throw new Error(`app.zip: the server answered ${response.status}`);
  return response.arrayBuffer();
}

async function importModules() {
  const gpu = await import("./engine/gpu-browser.js");
  gpu.wakeGpu();
  const sources = await import("./engine/sources-browser.js");
  const store = await import("./engine/sources-store.js");
  const notes = await import("./engine/tune-browser.js");
  return { ...gpu, ...sources, ...store, ...notes };
}

function connect(python, port) {
  const receive = python.pyimport("wgslm_web.tab").start((message) => port.postMessage(message));
  port.onmessage = ({ data }) => {
    const message = python.toPy(data);
    receive(message);
    message.destroy();
  };
}
