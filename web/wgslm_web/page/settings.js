// The sampling settings and the system prompt: fields in the panel, values in requests.

import * as store from "./store.js";

const FIELDS = [
  { name: "temperature", label: "Temperature", value: 0.8, min: 0, max: 2, step: 0.05,
    hint: "0 always takes the likeliest token; higher is more varied." },
  { name: "top_k", label: "Top-k", value: 40, min: 0, max: 200, step: 1,
    hint: "Chooses among so many likeliest tokens; 0 is all." },
  { name: "top_p", label: "Top-p", value: 0.95, min: 0.05, max: 1, step: 0.01,
    hint: "Keeps the likeliest tokens up to this share together." },
  { name: "min_p", label: "Min-p", value: 0.05, min: 0, max: 1, step: 0.01,
    hint: "Drops tokens less likely than this share of the likeliest." },
  { name: "repeat_penalty", label: "Repeat penalty", value: 1, min: 1, max: 2, step: 0.01,
    hint: "Above 1, makes recent tokens less likely." },
  { name: "seed", label: "Seed", value: null, min: 0, max: 4294967295, step: 1, empty: "random",
    hint: "The same seed gives the same answer." },
  { name: "max_tokens", label: "Longest answer", value: null, min: 1, max: 1e6, step: 1,
    empty: "no limit", hint: "In tokens; no limit means until the context is full." },
];

export class Settings {
  #values = soundOnes(store.load("settings", {}, store.isRecord));
  #save = store.saver(() => store.save("settings", this.#values));

  constructor(container, systemPrompt, resetButton) {
    this.container = container;
    this.systemPrompt = systemPrompt;
    this.container.append(...FIELDS.map((field) => this.#row(field)));
    this.systemPrompt.value = this.#values.system ?? "";
    this.systemPrompt.oninput = () => this.#set("system", this.systemPrompt.value);
    resetButton.onclick = () => this.#reset();
  }

  get system() {
    return (this.#values.system ?? "").trim();
  }

  /** The fields of a request; what is empty is left to the engine. */
  get sampling() {
    const pairs = FIELDS.map(({ name, value }) => [name, this.#values[name] ?? value]);
    return Object.fromEntries(pairs.filter(([, value]) => value !== null));
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
    input.value = this.#values[name] ?? field.value ?? "";
    input.oninput = () => this.#read(field, input);
    input.onblur = () => this.#show(field, input);
    return input;
  }

  #show({ name, value }, input) {
    input.value = this.#values[name] ?? value ?? "";
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
    this.#values[name] = value;
    this.#save();
  }

  #reset() {
    this.#values = { system: this.#values.system };
    this.#save();
    for (const field of FIELDS) {
      this.#show(field, this.container.querySelector(`#setting-${field.name}`));
    }
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
