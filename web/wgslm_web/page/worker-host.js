// Starts the worker, watches it, and starts it again when it dies. Knows nothing of models.
//
//   off -> starting -> up -> (dead or silent) -> waiting -> starting ...
//
// A dead worker is known by the lock it held, a hung one by its silence.
//
// Events: "boot" {text}, "up" {port}, "down" {reason, wait_ms}, "frozen". After a few deaths in a row
// it waits longer: a browser that lost its GPU process twice gives out no adapter for 120 s.
//
// When a worker had to start without a snapshot and is idle, a second one makes it for the next visit.

import { ApiError } from "./api.js";
import * as snapshot from "./snapshot.js";

const PING_MS = 1000;
const WAITS_MS = [0, 1000, 10_000, 60_000, 130_000];
const HEALTHY_MS = 180_000;
const QUIET_MS = 10_000; // idle for so long before the snapshot is made
// How long silence is normal: Python answers nothing while it computes.
export const PATIENCE_MS = { starting: 120_000, idle: 10_000, busy: 30_000, loading: 120_000 };

export class WorkerHost extends EventTarget {
  state = "off";
  worker = null;
  #deaths = 0;
  #diedAt = -Infinity;
  #heardAt = 0;
  #tickedAt = 0;
  #timer = 0;
  #lock = "";
  #activity;
  #quietSince = Infinity; // Infinity: no snapshot is to be made

  /** `activity()` returns "idle", "busy" or "loading". */
  constructor(activity) {
    super();
    this.#activity = activity;
    setInterval(() => this.#tick(), PING_MS);
  }

  start() {
    clearTimeout(this.#timer);
    this.worker?.terminate();
    this.#setState("starting");
    this.#heardAt = performance.now();
    const worker = (this.worker = new Worker(workerUrl(), { type: "module", name: "wgslm" }));
    worker.onmessage = ({ data }) => worker === this.worker && this.#hear(data);
    worker.onerror = (event) => worker === this.worker && this.#fail(event.message || "a script did not load");
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    this.#lock = `wgslm-${crypto.randomUUID()}`;
    worker.postMessage({ type: "start", port: port2, lock: this.#lock }, [port2]);
  }

  /** Resolves once it is up; starts it if nobody has, rejects with the reason if it does not come up. */
  running() {
    if (this.state === "up") return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.addEventListener("up", () => resolve(), { once: true });
      this.addEventListener("down", ({ detail }) => reject(notUp(detail.reason)), { once: true });
      if (this.state === "off") this.start();
    });
  }

  /** Terminate the worker as a crash would; it comes back by itself. */
  kill(reason = "it was stopped") {
    this.#die(reason);
  }

  /** Nobody needs it any more. */
  stop() {
    clearTimeout(this.#timer);
    this.worker?.terminate();
    this.worker = null;
    this.#setState("off");
  }

  #hear(message) {
    this.#heardAt = performance.now();
    if (message.type === "locked") this.#awaitDeath(this.worker);
    else if (message.type === "boot") this.#tell("boot", message);
    else if (message.type === "up") this.#up(message);
    else if (message.type === "fatal") this.#fail(message.message);
  }

  /** The worker holds a lock as long as it lives: whoever gets it next knows of its death. */
  #awaitDeath(worker) {
    navigator.locks.request(this.#lock, () => worker === this.worker && this.#die("its worker ended"));
  }

  #up(message) {
    this.#setState("up");
    this.#quietSince = message.isThawed || !snapshot.isAllowed() ? Infinity : performance.now();
    this.#tell("up", { port: this.port, ...message });
  }

  #fail(reason) {
    if (this.state === "starting") this.#deaths = Math.max(this.#deaths, 2); // hardly mends itself
    this.#die(reason);
  }

  #tick() {
    const now = performance.now();
    const slept = now - this.#tickedAt > 5 * PING_MS; // a hidden page or a sleeping computer
    this.#tickedAt = now;
    if (this.state !== "starting" && this.state !== "up") return;
    if (slept) this.#heardAt = now;
    const patience = PATIENCE_MS[this.state === "up" ? this.#activity() : "starting"];
    if (now - this.#heardAt > patience) this.#die(`it was silent for ${Math.round(patience / 1000)} s`);
    else this.worker.postMessage({ type: "ping" });
    if (this.state === "up") this.#freezeWhenQuiet(now);
  }

  #freezeWhenQuiet(now) {
    if (this.#quietSince === Infinity) return;
    if (this.#activity() !== "idle") this.#quietSince = now;
    if (now - this.#quietSince < QUIET_MS) return;
    this.#quietSince = Infinity;
    const worker = new Worker(workerUrl(SNAPSHOT_URL), { type: "module", name: "wgslm snapshot" });
    const end = (told) => {
      worker.terminate();
      if (told.type === "frozen") this.#tell("frozen", told);
      else console.info(`The next start will be as slow as this one: ${told.message}`);
    };
    worker.onmessage = ({ data }) => end(data);
    worker.onerror = ({ message }) => end({ message: message || "a script did not load" });
    worker.postMessage({ type: "freeze" });
  }

  #die(reason) {
    this.worker?.terminate();
    this.worker = null;
    const now = performance.now();
    if (now - this.#diedAt > HEALTHY_MS) this.#deaths = 0;
    this.#diedAt = now;
    const wait_ms = WAITS_MS[Math.min(this.#deaths, WAITS_MS.length - 1)];
    this.#deaths += 1;
    this.#setState("waiting");
    this.#timer = setTimeout(() => this.start(), wait_ms);
    this.#tell("down", { reason, wait_ms });
  }

  #setState(state) {
    this.state = state;
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

const notUp = (reason) => new ApiError(`the engine did not start: ${reason}`, { code: "worker_gone" });

// Trusted Types: this page can start this one script and no other; its name tells the two lives apart.
const WORKER_URL = new URL("./worker.js", import.meta.url).href;
const SNAPSHOT_URL = `${WORKER_URL}#snapshot`;
const policy = self.trustedTypes?.createPolicy("wgslm", {
  createScriptURL: (url) => (url === SNAPSHOT_URL ? SNAPSHOT_URL : WORKER_URL),
});
const workerUrl = (url = WORKER_URL) => (policy ? policy.createScriptURL(url) : url);
