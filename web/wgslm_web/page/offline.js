// Registers the service worker, which keeps the page for use without a network, and says how far that
// is. Never reloads by itself.

const CHECK_MS = 3_600_000; // how often a page that stays open asks for a newer version

/** A page that was opened as a file has none, nor has one at an address that is not secure. */
export const hasServiceWorkers = () => /^https?:$/.test(location.protocol) && Boolean(navigator.serviceWorker);

/** Events: "change" (of `state` and `message`), "update": a new version waits for `reload`. */
export class Offline extends EventTarget {
  state = "off"; // off, storing, ready, refused
  message = "";
  #registration = null;
  #isStarted = false;
  #hasReload = false;
  #isControlled = false;

  /** Start keeping this version, where the browser can; once is enough. */
  async start() {
    if (this.#isStarted || !hasServiceWorkers()) return;
    this.#isStarted = true;
    const container = navigator.serviceWorker;
    this.#isControlled = container.controller !== null;
    container.addEventListener("message", ({ data }) => data.type === "refused" && this.#set("refused", data.message));
    container.addEventListener("controllerchange", () => this.#changed());
    try {
      await this.#register(container);
    } catch (error) {
      this.#set("refused", error.message);
    }
  }

  async #register(container) {
    const options = { type: "module", updateViaCache: "none" };
    const registration = (this.#registration = await container.register(serviceWorkerUrl(), options));
    registration.addEventListener("updatefound", () => this.#follow(registration.installing));
    this.#follow(registration.installing);
    if (registration.active) this.#set("ready");
    if (registration.waiting) this.#tell("update");
    this.#checkNowAndThen(registration);
  }

  /** Reload as the new version; whoever asks for it has been told. */
  reload() {
    this.#hasReload = true;
    const waiting = this.#registration?.waiting;
    if (waiting) waiting.postMessage({ type: "activate" });
    else location.reload(); // another tab has made the change
  }

  #follow(worker) {
    if (!worker) return;
    const { active } = this.#registration ?? {};
    if (!active) this.#set("storing");
    worker.addEventListener("statechange", () => {
      if (worker.state === "installed" && this.#registration.active) this.#tell("update");
      if (worker.state === "activated") this.#set("ready");
    });
  }

  #changed() {
    if (this.#hasReload) location.reload();
    else if (this.#isControlled) this.#tell("update"); // this page is of the version before
    this.#isControlled = true;
  }

  #checkNowAndThen(registration) {
    let checked = Date.now();
    document.addEventListener("visibilitychange", () => {
      if (document.hidden || Date.now() - checked < CHECK_MS) return;
      checked = Date.now();
      registration.update().catch(() => {}); // there is no network: the next time will do
    });
  }

  #set(state, message = "") {
    Object.assign(this, { state, message });
    this.#tell("change");
  }

  #tell(type) {
    this.dispatchEvent(new Event(type));
  }
}

// Trusted Types: this module can start this one script and no other.
const SCRIPT_URL = new URL("./service-worker.js", import.meta.url).href;
const policy = self.trustedTypes?.createPolicy("wgslm-offline", { createScriptURL: () => SCRIPT_URL });
const serviceWorkerUrl = () => (policy ? policy.createScriptURL("") : SCRIPT_URL);
