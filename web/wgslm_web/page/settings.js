// The sampling settings and the system prompt of a conversation: fields in the panel, values in requests.

import * as store from "./store.js";

// `value` is what counts where neither a person nor the model's file says otherwise.
const FIELDS = [
  { name: "temperature", label: "Temperature", value: 0.8, min: 0, max: 2, step: 0.05,
    hint: "How freely it chooses: 0 always takes the likeliest word, 1 follows the model, more is wilder." },
  { name: "top_k", label: "Top-k", value: 40, min: 0, max: 200, step: 1,
    hint: "Chooses among so many likeliest tokens only; 0 among all." },
  { name: "top_p", label: "Top-p", value: 0.95, min: 0.05, max: 1, step: 0.01,
    hint: "Keeps the likeliest tokens until together they have this share; 1 keeps all." },
  { name: "min_p", label: "Min-p", value: 0.05, min: 0, max: 1, step: 0.01,
    hint: "Drops tokens less likely than this share of the likeliest one; 0 drops none." },
  { name: "repeat_penalty", label: "Repeat penalty", value: 1, min: 1, max: 2, step: 0.01,
    hint: "Above 1, makes tokens that were just used less likely. Small models repeat themselves less with 1.1." },
  { name: "seed", label: "Seed", value: null, min: 0, max: 4294967295, step: 1, empty: "random",
    hint: "The same seed, settings and messages give the same answer." },
  { name: "max_tokens", label: "Longest answer", value: null, min: 1, max: 1e6, step: 1,
    empty: "no limit", hint: "In tokens; no limit means until the context is full." },
];

/** The fields of a request; what nobody set is left to the engine, which asks the model's file. */
export function samplingOf(values) {
  const { system: _, ...numbers } = soundOnes(values);
  return numbers;
}

export function systemOf({ system }) {
  return store.isText(system) ? system.trim() : "";
}

/** What the last conversation was set to: a new tab's first one begins with it. */
export function lastSettings() {
  return soundOnes(store.load("settings", {}, store.isRecord));
}

/** The fields; `take(values)` is told what people set. */
export class SettingsView {
  #values = {};
  #usual = {}; // what the loaded model's file recommends
  #save = store.saver(() => store.save("settings", this.#values));

  constructor({ container, systemPrompt, resetButton, take }) {
    Object.assign(this, { container, systemPrompt, take });
    this.container.append(...FIELDS.map((field) => this.#row(field)));
    this.systemPrompt.oninput = () => this.#set("system", this.systemPrompt.value);
    resetButton.onclick = () => this.#reset();
  }

  /** Show a conversation's values. */
  show(values) {
    this.#values = soundOnes(values);
    this.systemPrompt.value = this.#values.system ?? "";
    this.#showAll();
  }

  /** Show what a model recommends where nobody set anything else. */
  suit(recommended) {
    this.#usual = recommended;
    this.#showAll(document.activeElement);
  }

  #showAll(except = null) {
    for (const field of FIELDS) {
      const input = this.#inputOf(field);
      if (input !== except) this.#show(field, input);
    }
  }

  #row(field) {
    const row = document.createElement("div");
    row.className = "setting";
    const label = Object.assign(document.createElement("label"), { textContent: field.label });
    const hint = Object.assign(document.createElement("p"), { className: "note", textContent: field.hint });
    const input = this.#input(field);
    label.htmlFor = input.id;
    hint.id = `${input.id}-hint`;
    input.setAttribute("aria-describedby", hint.id);
    row.append(label, input, hint);
    return row;
  }

  #input(field) {
    const { name, min, max, step, empty } = field;
    const input = document.createElement("input");
    Object.assign(input, { type: "number", id: `setting-${name}`, min, max, step });
    Object.assign(input, { inputMode: "decimal", placeholder: empty ?? "" });
    input.oninput = () => this.#read(field, input);
    input.onblur = () => this.#show(field, input);
    return input;
  }

  #inputOf({ name }) {
    return this.container.querySelector(`#setting-${name}`);
  }

  #show({ name, value }, input) {
    const usual = value === null ? null : Number((this.#usual[name] ?? value).toPrecision(6));
    input.value = this.#values[name] ?? usual ?? "";
    input.removeAttribute("aria-invalid");
  }

  #read(field, input) {
    const number = input.value === "" ? null : input.valueAsNumber;
    const good = number === null || fits(field, number);
    if (good) input.removeAttribute("aria-invalid");
    else input.setAttribute("aria-invalid", "true");
    if (good) this.#set(field.name, number);
  }

  #set(name, value) {
    this.#values = soundOnes({ ...this.#values, [name]: value });
    this.#save();
    this.take(this.#values);
  }

  #reset() {
    const { system } = this.#values;
    this.#values = system === undefined ? {} : { system };
    this.#save();
    this.take(this.#values);
    this.#showAll();
  }
}

function fits({ min, max, step }, number) {
  return number >= min && number <= max && (step !== 1 || Number.isInteger(number));
}

/** What is kept may be of an older page, or damaged. */
function soundOnes(values) {
  const numbers = FIELDS.filter((field) => fits(field, values[field.name] ?? NaN));
  const sound = Object.fromEntries(numbers.map(({ name }) => [name, values[name]]));
  return store.isText(values.system) ? { ...sound, system: values.system } : sound;
}
