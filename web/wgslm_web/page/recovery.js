// What becomes of a load that failed because the GPU is gone: it is tried again by itself, later and
// later. A browser whose GPU process died twice gives out no adapter for two minutes, then does again.

const WAITS_S = [2, 10, 30, 60, 60, 120];
const MOST_LOSSES = 2; // a load that loses the GPU twice asks for too much, or the driver is broken

export class Recovery {
  #hadGpu = false;
  #tries = 0;
  #losses = 0;
  #timer = 0;

  /** `load(source)` begins the load again. */
  constructor(load) {
    this.load = load;
  }

  /** A model is on the GPU. */
  works() {
    this.#hadGpu = true;
    this.#tries = this.#losses = 0;
  }

  /** Somebody loads something: nothing is to be tried again. */
  stop() {
    clearTimeout(this.#timer);
    this.#timer = 0;
  }

  /** Plan the next try of a failed load; return {error, action} to show, or null if there is none. */
  plan({ code, message }, source) {
    if (code === "device_lost") return this.#lost(message, source);
    if (code !== "no_adapter" || !this.#hadGpu || this.#tries >= WAITS_S.length) return null;
    return this.#later(message, source);
  }

  #lost(message, source) {
    this.#hadGpu = true;
    this.#losses += 1;
    if (this.#losses < MOST_LOSSES) return this.#later(message, source);
    this.#losses = 0;
    const hint = "It may need more memory than the GPU has left: try a smaller context or model, or close other tabs that use the GPU.";
    return { error: { message: `The GPU was lost twice while the model was loaded: ${message}`, hint }, action: null };
  }

  #later(message, source) {
    const wait_s = WAITS_S[Math.min(this.#tries++, WAITS_S.length - 1)];
    const again = () => (this.stop(), this.load(source));
    this.stop();
    this.#timer = setTimeout(again, 1000 * wait_s);
    const hint = `The model is loaded again in ${wait_s} s; the conversation is kept. If that does not help, restart the browser.`;
    return { error: { message, hint }, action: { label: "Load it now", run: again } };
  }
}
