// What the page says about the model: status, progress, facts, errors, speed.

import * as format from "./format.js";

const STAGES = {
  opening: "Opening the file",
  header: "Reading the header",
  tokenizer: "Building the tokenizer",
  compiling: "Compiling the shaders",
  weights: "Loading the weights",
  ready: "Almost there",
};
const HINTS = {
  source_failed: "Mend the address, or choose the file from your disk.",
  invalid_model_file: "Choose another file; it must be a complete GGUF.",
  unsupported_model: "Try another model, or another quantisation of this one.",
  does_not_fit: "Try a smaller model or a smaller quantisation.",
  no_adapter: "Use a current Chrome, Edge, Firefox or Safari, and check that hardware acceleration is on.",
  wrong_driver: "Update the graphics driver or the browser, or try another browser.",
  device_lost: "The engine starts again by itself; the conversation is kept.",
  worker_gone: "The engine starts again by itself; the conversation is kept.",
  context_full: "Start a new chat, or set a larger context beside the model and load it again.",
  queue_full: "Wait for the answer that is being written.",
};
const $ = (id) => document.getElementById(id);

export function showStatus(state, text) {
  const status = $("status");
  status.dataset.state = state;
  status.textContent = text;
  status.title = text;
}

/** Show a load's progress, or a boot step that has no measure. */
export function showProgress({ stage, done, total, seconds, text, rate }) {
  $("loading").hidden = false;
  const bar = $("load-bar");
  if (total > 0) Object.assign(bar, { max: total, value: done });
  else bar.removeAttribute("value");
  $("load-text").textContent = text ?? progressText(stage, done, total, seconds, rate);
}

export function hideProgress() {
  $("loading").hidden = true;
}

function progressText(stage, done, total, seconds, rate) {
  const name = STAGES[stage] ?? stage;
  if (!total) return `${name}…`;
  const size = `${format.bytes(done)} of ${format.bytes(total)}`;
  if (!rate) return `${name}: ${size}`;
  const left = done < total ? `, ${format.seconds((total - done) / rate)} left` : "";
  return `${name}: ${size} at ${format.bytes(rate)}/s, ${format.seconds(seconds)}${left}`;
}

/** Say what went wrong and what to do; `action` is {label, run}. */
export function showError(error, action = null) {
  $("error").hidden = false;
  $("error").dataset.stays = error.stays ?? "";
  $("error-text").textContent = sentence(error.message);
  $("error-hint").textContent = error.hint ?? HINTS[error.code] ?? "";
  $("error-action").hidden = !action;
  if (action) offer(action.label, action.run);
}

/** Give the error that is shown this button. */
export function offer(label, run) {
  Object.assign($("error-action"), { hidden: false, textContent: label, onclick: run });
}

/** Something went well: what was said before is out of date, unless it stays true. */
export function settleError() {
  if (!$("error").dataset.stays) hideError();
}

export function hideError() {
  $("error").hidden = true;
  $("error").dataset.stays = "";
  $("error-text").textContent = $("error-hint").textContent = "";
}

function sentence(text) {
  const trimmed = text.trim() || "Something went wrong";
  const begun = trimmed.replace(/^[a-z]+(?=[ ,])/, (word) => word[0].toUpperCase() + word.slice(1));
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

export function showModel(model) {
  $("model-card").hidden = !model;
  document.body.dataset.adapter = model?.adapter.name ?? "";
  document.body.dataset.adapterKind = model?.adapter.kind ?? "";
  if (!model) return;
  $("model-name").textContent = model.name;
  $("model-facts").replaceChildren(...facts(model).map(factElement));
  $("model-adapter").textContent = adapterText(model.adapter);
  $("model-adapter").title = `Kernels: ${model.variants.map(kernelText).join(", ")}`;
  $("model-warnings").replaceChildren(...model.warnings.map(factElement));
  $("model-warnings").hidden = !model.warnings.length;
}

const kernelText = ({ role, variant, why }) => `${role} ${variant} (${why})`;

function facts(model) {
  const { parameters, quant, architecture, context, nbytes } = model;
  const size = `${format.count(parameters)} parameters`;
  return [quant, size, architecture, `${context} tokens of context`, format.bytes(nbytes)];
}

function factElement(text) {
  return Object.assign(document.createElement("li"), { textContent: text });
}

function adapterText({ name, kind }) {
  if (kind === "gpu") return `Runs on ${name}.`;
  return `Runs on ${name}, a software adapter: this browser offers no GPU here, so answers are slow.`;
}

/** Show the speed: `live` tokens a second while an answer grows, `timings` when it is done. */
export function showSpeed({ live, timings }) {
  const rate = timings ? timings.predicted_per_second : live;
  if (!Number.isFinite(rate)) return;
  const detail = document.createElement("span");
  detail.className = "detail";
  detail.textContent = timings ? details(timings) : "";
  $("stats").replaceChildren(`${format.speed(rate)} tok/s`, detail);
}

function details({ predicted_n, first_token_ms }) {
  return ` · ${predicted_n} tokens · first after ${format.seconds(first_token_ms / 1000)}`;
}
