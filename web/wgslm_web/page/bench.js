// The page that measures: asks the app in the worker for its suite, shows how far it is, then tables.

import { TabApi, eventsOf } from "./api.js";
import { tablesOf } from "./bench-tables.js";
import { whatIsMissing } from "./support.js";
import { WorkerHost } from "./worker-host.js";

const PRESET = { shapes: ["smollm2-135m"], quants: ["q4_k_m"], kvs: ["f16"] };
const LISTS = ["pp", "tg", "depths"];
const SWITCHES = ["kernels", "autotune"];

const $ = (id) => document.getElementById(id);
const api = new TabApi();
let run = null; // the AbortController of the suite under way
let last = null; // {result, markdown}
const host = new WorkerHost(() => (run ? "loading" : "idle"));

function showStatus(state, text) {
  $("status").dataset.state = state;
  $("status").textContent = text;
}

function refresh() {
  const ready = host.state === "up" && $("shapes").querySelector("input") !== null;
  $("choices").disabled = $("start").disabled = !ready || run !== null;
  $("cancel").disabled = run === null;
  $("load-bar").hidden = run === null;
}

async function offerChoices() {
  const names = await (await api.fetch("/wgslm/bench")).json();
  for (const [group, presets] of Object.entries(PRESET)) {
    const boxes = names[group].map((name) => box(group, name, presets.includes(name)));
    $(group).replaceChildren($(group).querySelector("legend"), ...boxes);
  }
}

function box(group, name, checked) {
  const label = document.createElement("label");
  const input = Object.assign(document.createElement("input"), { type: "checkbox", name: group, value: name, checked });
  label.className = "box";
  label.append(input, name);
  return label;
}

/** The form as /wgslm/bench takes it. */
function asked() {
  const chosen = (group) => [...$(group).querySelectorAll(":checked")].map((input) => input.value);
  const words = (id) => $(id).value.split(/[\s,]+/).filter(Boolean);
  const wanted = { repeat: $("repeat").valueAsNumber };
  for (const id of SWITCHES) wanted[id] = $(id).checked;
  for (const group of Object.keys(PRESET)) wanted[group] = chosen(group);
  for (const id of LISTS) wanted[id] = words(id).map((word) => (/^\d+$/.test(word) ? Number(word) : word));
  wanted.variants = Object.fromEntries(words("variants").map(pair));
  wanted.models = words("models").map((word) => new URL(word, location.href).href);
  return wanted;
}

/** `role=name` as both; without a name it is for the app to refuse. */
function pair(word) {
  const [role, ...name] = word.split("=");
  return [role, name.join("=")];
}

async function measure() {
  run = new AbortController();
  refresh();
  $("cancel").focus();
  try {
    await follow(asked(), run.signal);
    showStatus("ready", "Done");
  } catch (error) {
    if (run.signal.aborted) showStatus("idle", "Cancelled");
    else showStatus("error", error.message);
  }
  const hadFocus = document.activeElement === $("cancel");
  run = null;
  refresh();
  if (hadFocus) $("start").focus();
}

async function follow(wanted, signal) {
  showStatus("loading", "Starting to measure");
  for await (const event of eventsOf(await api.post("/wgslm/bench", wanted, signal))) {
    if (event.result) return showResult(event);
    $("load-bar").value = event.done;
    showStatus("loading", `${Math.floor(event.done * 100)} %: ${event.text}`);
  }
  throw new Error("the app ended the suite without a result");
}

function showResult({ result, markdown }) {
  result.host.browser = navigator.userAgent;
  last = { result, markdown: `${markdown}\n${navigator.userAgent}\n` };
  const lines = markdown.split("\n").filter((line) => line.startsWith("- ") && !line.startsWith("- **"));
  $("facts").replaceChildren(...lines.map((line) => item(line.slice(2))), item(navigator.userAgent));
  $("warning").textContent = result.warning ?? "";
  $("warning").hidden = !result.warning;
  $("tables").replaceChildren(...tablesOf(result));
  $("results").hidden = false;
  $("results-title").focus();
}

function item(text) {
  return Object.assign(document.createElement("li"), { textContent: text });
}

function save(text, type, ending) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  Object.assign(document.createElement("a"), { href: url, download: `wgslm-bench.${ending}` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

host.addEventListener("boot", ({ detail }) => showStatus("loading", `${detail.text}…`));
host.addEventListener("up", async ({ detail }) => {
  api.connect(detail.port);
  await offerChoices();
  showStatus("ready", "Ready to measure");
  refresh();
});
host.addEventListener("down", ({ detail }) => {
  api.disconnect(`The engine stopped: ${detail.reason}.`);
  if (!run) showStatus("error", `The engine stopped: ${detail.reason}. It is started again.`);
  refresh();
});

$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!$("start").disabled) measure();
});
$("cancel").addEventListener("click", () => run?.abort());
$("save-json").addEventListener("click", () => save(JSON.stringify(last.result, null, 1), "application/json", "json"));
$("save-md").addEventListener("click", () => save(last.markdown, "text/markdown", "md"));

const missing = whatIsMissing();
if (missing) showStatus("error", `${missing.message}. ${missing.hint}`);
else host.start();
refresh();
