// A load under way as people see it: its pace, pausing it, waiting for another tab, and afterwards
// what the storage has to say.

const $ = (id) => document.getElementById(id);
const WINDOW_S = 5; // the pace is that of the last seconds: what was kept came faster
const POLL_MS = 700;

export class Downloads {
  #samples = []; // {done, seconds} of this load
  #paused = false;
  #waiting = "";
  #timer = 0;

  /** `wrong(sentence)` is called when what was loaded turns out to be another file. */
  constructor(api, model, { showModels, wrong }) {
    Object.assign(this, { api, model, wrong });
    $("pause-load").addEventListener("click", () => this.#pause(!this.#paused));
    $("storage-note-close").addEventListener("click", () => ($("storage-note").hidden = true));
    $("storage-note-models").addEventListener("click", showModels);
    model.addEventListener("progress", ({ detail }) => this.#began(detail));
    for (const type of ["ready", "fail", "cancelled"]) model.addEventListener(type, () => this.#over());
  }

  /** The progress with the pace of the last seconds, and in words while it stands still. */
  measured(progress) {
    const { stage, done, seconds } = progress;
    if (this.#waiting) return { ...progress, text: `Another tab is downloading ${this.#waiting}; waiting for it` };
    if (stage !== "weights") return progress;
    if (this.#samples.length && done < this.#samples.at(-1).done) this.#samples = [];
    this.#samples.push({ done, seconds });
    while (this.#samples.length > 2 && seconds - this.#samples[0].seconds > WINDOW_S) this.#samples.shift();
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    const span = last.seconds - first.seconds;
    return { ...progress, rate: !this.#paused && span > 0.2 ? (last.done - first.done) / span : 0 };
  }

  #began({ stage }) {
    $("pause-load").hidden = stage !== "weights" || Boolean(this.model.loading?.files);
    this.#timer ||= setInterval(() => this.#look(), POLL_MS);
  }

  async #pause(isPaused) {
    try {
      await this.api.post("/wgslm/pause-load", { paused: isPaused });
      this.#show(isPaused);
    } catch {
      this.#show(false); // a worker that is gone pauses nothing, and the next one begins unpaused
    }
  }

  #show(isPaused) {
    this.#paused = isPaused;
    this.#samples = [];
    $("pause-load").textContent = isPaused ? "Go on" : "Pause";
    $("loading").dataset.paused = isPaused ? "yes" : "";
  }

  /** The load is over; the storage may still write, check, and complain. */
  #over() {
    this.#samples = [];
    this.#waiting = "";
    $("pause-load").hidden = true;
    if (this.#paused) this.#pause(false);
    this.#timer ||= setInterval(() => this.#look(), POLL_MS);
  }

  /** Ask what the storage does; without anything under way there is nothing to ask any more. */
  async #look() {
    const told = await this.#told();
    this.#waiting = told?.waiting?.split("/").at(-1) ?? "";
    if (this.#waiting) this.model.dispatchEvent(new CustomEvent("progress", { detail: { stage: "opening", done: 0, total: 0, seconds: 0 } }));
    const isBusy = told?.open.some(({ state }) => state !== "done");
    if (!this.model.isLoading && !isBusy) {
      clearInterval(this.#timer);
      this.#timer = 0;
    }
    if (told?.wrong.length) this.wrong(told.wrong[0]);
    if (told?.notices.length) this.#note(told.notices.join(". "));
  }

  async #told() {
    try {
      const response = await this.api.fetch("/wgslm/transfers");
      return response.ok ? await response.json() : null; // a server transfers nothing to here
    } catch {
      return null; // the worker is gone, and what it did with it
    }
  }

  #note(text) {
    $("storage-note-text").textContent = text.replace(/^./, (letter) => letter.toUpperCase());
    $("storage-note").hidden = false;
  }
}
