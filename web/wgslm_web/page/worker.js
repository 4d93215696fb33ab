// The worker: boots Python, gives it the GPU and network modules, and connects it to the page.

const tell = (type, fields = {}) => self.postMessage({ type, ...fields });

self.onmessage = ({ data }) => {
  if (data.type === "ping") tell("pong");
  else if (data.type === "start") start(data);
};

function start({ port, lock }) {
  navigator.locks?.request(lock, () => (tell("locked"), new Promise(() => {}))); // until death
  boot(port).catch((error) => tell("fatal", { message: String(error) }));
}

async function boot(port) {
  const begun = performance.now();
  tell("boot", { stage: "python", text: "Starting Python" });
  const [python, archive, modules] = await Promise.all([startPython(), fetchApp(), importModules()]);
  const booted = performance.now();
  tell("boot", { stage: "app", text: "Starting the engine" });
  python.registerJsModule("wgslm_js", modules);
  python.unpackArchive(archive, "zip", { extractDir: "/app" });
  python.pyimport("sys").path.insert(0, "/app");
  connect(python, port);
  tell("up", { python_ms: booted - begun, app_ms: performance.now() - booted });
}

async function startPython() {
  const { loadPyodide } = await import("./pyodide/pyodide.mjs");
  const indexURL = new URL("./pyodide/", import.meta.url).href;
  const python = await loadPyodide({ indexURL });
  python._api.on_fatal = (error) => tell("fatal", { message: `Python stopped: ${error.message ?? error}` });
  return python;
}

async function fetchApp() {
  const response = await fetch(new URL("./app.zip", import.meta.url));
  if (!response.ok) throw new Error(`app.zip: the server answered ${response.status}`);
  return response.arrayBuffer();
}

async function importModules() {
  const gpu = await import("./engine/gpu-browser.js");
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
