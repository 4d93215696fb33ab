// Wires the page together: worker, model, conversation, and what people click.

import { TabApi } from "./api.js";
import { carriedModel } from "./carried.js";
import { Drawer, listenForFiles } from "./controls.js";
import { Desk } from "./desk.js";
import { byId as $ } from "./dom.js";
import { Downloads } from "./downloads.js";
import { Model, sourceFrom } from "./model.js";
import { ModelsDialog } from "./models.js";
import * as panel from "./panel.js";
import * as picked from "./picked.js";
import { publicApi, running } from "./public.js";
import { Recovery } from "./recovery.js";
import { joinServiceWorker } from "./service.js";
import { listenForShortcuts } from "./shortcuts.js";
import * as store from "./store.js";
import { hintWithoutAdapter, whatIsMissing } from "./support.js";
import { WorkerHost } from "./worker-host.js";

const CHOSEN = "chosen"; // what somebody loaded in this tab
let addressed = null; // the source that the address names, or that the page brings along

const api = new TabApi();
const model = new Model(api);
const desk = new Desk(api, (error) => panel.showError(error));
const { chat, composer } = desk;
const host = new WorkerHost(() => (model.isLoading ? "loading" : api.pending ? "busy" : "idle"));
const chats = new Drawer("chats", "(max-width: 899px)");
const side = new Drawer("side", "(max-width: 1149px)");
const models = new ModelsDialog(api, model, {
  load: (source) => load(source.context ? source : withContext(source)),
  serve: useServer,
  own: ownSource,
});
const downloads = new Downloads(api, model, { showModels: () => models.open(), wrong: notThatFile });
const recovery = new Recovery((source) => load(source));
const missing = whatIsMissing();
const offline = joinServiceWorker(api, model, () => ({
  model: model.facts?.name ?? null,
  isBusy: chat.isRunning || api.pending > 0,
  isLoading: model.isLoading || host.state === "starting",
}));

/** What this tab had at this address before a reload, else what the address names, else the page's own. */
function firstSource() {
  const asked = new URLSearchParams(location.search).get("model");
  if (asked) $("model-url").value = asked;
  addressed = asked ? trySource(asked) : ownSource();
  return chosenHere() ?? addressed;
}

/** The model that the page brings along; null if it brings none. */
function ownSource() {
  if (carriedModel) return withContext({ files: [carriedModel] });
  const preset = document.querySelector("meta[name=wgslm-default-model]").content;
  return preset ? trySource(preset) : null;
}

function chosenHere() {
  const { at, source } = store.load(CHOSEN, {}, store.isRecord, "sessionStorage");
  return at === location.search && store.isText(source?.url) ? source : null;
}

/** A reload, or a browser that discards tabs, must not let another model go on with a conversation. */
function keepChoice() {
  const { source } = model;
  const isChosen = source?.url && source.url !== addressed?.url;
  if (!api.server) store.save(CHOSEN, { at: location.search, source: isChosen ? source : null }, "sessionStorage");
}

function trySource(text) {
  try {
    return withContext(models.withHub(sourceFrom(text)));
  } catch (error) {
    panel.showError(error);
    return null;
  }
}

function withContext(source) {
  const { valueAsNumber, validity } = $("model-context");
  return valueAsNumber && validity.valid ? { ...source, context: valueAsNumber } : source;
}

function load(source) {
  const cannot = missing && !api.server;
  if (cannot) panel.showError(missing, elsewhere);
  if (!source || cannot) return refresh();
  recovery.stop();
  panel.settleError();
  if (matchMedia("(max-width: 1149px)").matches) side.close();
  chat.stop(); // the app would wait for the end of the answer
  const over = model.load(source);
  refresh();
  return over;
}

async function loadForScript(source) {
  if (!api.server) await running(host);
  return load(source);
}

/** What can be done where models cannot run: another computer answers. */
const elsewhere = { label: "Use a computer with wgslm serve", run: () => models.openServer() };

/** The whole was checked only now: what is loaded must not answer any more. */
function notThatFile(message) {
  chat.stop();
  model.forget();
  panel.showError({ message, hint: "It answers no more, and is not kept.", stays: "yes" }, again(model.source));
  refresh();
}

/** Let a server answer, with the model that it has loaded. */
async function useServer(server, facts) {
  chat.stop();
  recovery.stop();
  host.stop();
  api.disconnect(`${server.origin} answers now.`);
  await model.end();
  api.useServer(server);
  $("where").textContent = `${server.origin} answers: what you write goes there.`;
  model.take(facts);
}

/** Bring status, buttons and model card in line with what is so. */
function refresh() {
  const ready = isUp() && !model.isLoading && model.facts !== null;
  desk.allow({ ready, coming: model.isLoading || !(isUp() || missing), model: model.facts });
  panel.showModel(model.facts);
  showLoadButtons();
  showState(ready);
}

const isUp = () => host.state === "up" || api.server !== null;

function showState(ready) {
  const place = api.server ? ` at ${api.server.origin}` : "";
  if (ready) panel.showStatus("ready", chat.isRunning ? "Answering" : `Ready: ${model.facts.name}${place}`);
  else if (model.isLoading) panel.showStatus("loading", "Loading the model");
  else if (missing && !api.server) panel.showStatus("error", "Models cannot run here");
  else if (!isUp()) panel.showStatus("loading", "Starting");
  else panel.showStatus($("error").hidden ? "idle" : "error", "No model is loaded");
  if (ready || (isUp() && !model.isLoading)) panel.hideProgress();
}

function showLoadButtons() {
  const hadFocus = document.activeElement === $("cancel-load");
  $("cancel-load").hidden = !model.isLoading;
  if (hadFocus && !model.isLoading) composer.takeFocus();
  const { context } = model.source ?? {};
  const isOther = withContext({}).context !== context && $("model-context").validity.valid;
  $("reload-model").hidden = !model.facts || model.isLoading || !isOther;
}

/** Offer the model that had to make room, if it did. */
function again(source) {
  const { lost } = model;
  if (!lost || lost.source === source) return { label: "Try again", run: () => load(source) };
  return { label: `Load ${lost.name} again`, run: () => load(lost.source) };
}

function begin() {
  panel.hideError();
  desk.create();
  refresh();
}

host.addEventListener("boot", ({ detail }) => {
  panel.showProgress({ text: `${detail.text}…` });
  refresh();
});

host.addEventListener("up", ({ detail }) => {
  api.connect(detail.port);
  window.wgslm.boot = detail;
  const source = model.source ?? firstSource();
  if (!source && !model.facts) side.open();
  load(source);
});

host.addEventListener("down", ({ detail }) => {
  model.forget();
  recovery.stop(); // the next worker loads it
  const again = detail.wait_ms ? ` It is started again in ${detail.wait_ms / 1000} s.` : "";
  const message = `The engine stopped: ${detail.reason}.${again}`;
  api.disconnect(message);
  const action = again ? { label: "Start it now", run: () => host.start() } : null;
  panel.showError({ message, code: "worker_gone" }, action);
  panel.hideProgress();
  refresh();
});

model.addEventListener("progress", ({ detail }) => panel.showProgress(downloads.measured(detail)));

model.addEventListener("ready", () => {
  recovery.works();
  keepChoice();
  panel.settleError();
  refresh();
  chat.recover();
});

model.addEventListener("cancelled", ({ detail: { source } }) => {
  const message = `The load was cancelled after ${model.lost?.name} had made room for it`;
  if (model.lost) panel.showError({ message }, again(source));
  refresh();
});

model.addEventListener("fail", ({ detail: { error, source } }) => {
  const planned = recovery.plan(error, source);
  if (planned) panel.showError(planned.error, planned.action ?? again(source));
  else if (error.code === "no_adapter") panel.showError(withoutAdapter(error), elsewhere);
  else if (error.code !== "worker_gone") panel.showError(error, again(source));
  if (error.code === "does_not_fit") offerSmaller(source);
  refresh();
});

const withoutAdapter = ({ message, code }) => ({ message, code, hint: hintWithoutAdapter() });

/** Say with how many tokens of context it would fit, if it would with any. */
async function offerSmaller(source) {
  const context = await models.fitting(source).catch(() => 0);
  const isStillSo = !model.isLoading && !$("error").hidden;
  if (context && isStillSo) panel.offer(`Load with ${context.toLocaleString("en")} tokens`, () => load({ ...source, context }));
}

desk.addEventListener("change", refresh);
chat.addEventListener("stats", ({ detail }) => panel.showSpeed(detail));
chat.addEventListener("fail", ({ detail: { error } }) => {
  if (error.code === "device_lost") host.kill("the GPU was lost");
  else if (/larger context/.test(error.message)) {
    const { message } = error;
    panel.showError({ message, code: "context_full" }, { label: "New chat", run: begin });
  } else if (error.code !== "worker_gone") panel.showError(error);
});
chat.addEventListener("done", () => {
  panel.settleError();
  model.update().then(refresh);
});

$("url-form").addEventListener("submit", (event) => {
  event.preventDefault();
  load(trySource($("model-url").value));
});
$("model-file").addEventListener("change", ({ target }) => {
  if (target.files.length) load(withContext({ files: [...target.files] }));
  target.value = "";
});
$("model-file").addEventListener("click", (event) => {
  if (!picked.canKeep()) return;
  event.preventDefault(); // the other picker gives handles, which open the file again another day
  picked.choose().then(loadPicked).catch(panel.showError);
});

async function loadPicked(handles) {
  const files = await Promise.all(handles.map((handle) => handle.getFile()));
  if (files.length) load(withContext({ files, handles }));
}
$("cancel-load").addEventListener("click", () => model.cancel());
$("error-close").addEventListener("click", () => panel.hideError());
for (const id of ["new-chat", "new-chat-bar"]) $(id).addEventListener("click", begin);
$("model-context").addEventListener("input", refresh);
$("reload-model").addEventListener("click", () => {
  const { context, ...source } = model.source;
  load(withContext(source));
});
const isGguf = ({ name }) => /\.gguf$/i.test(name);
listenForFiles(async (files, handles) => {
  const ggufs = files.filter(isGguf);
  if (!ggufs.length) return desk.attach(files);
  const found = (await handles).filter(isGguf);
  load(withContext({ files: ggufs, ...(found.length === ggufs.length && { handles: found }) }));
});
$("import").addEventListener("click", () => $("import-file").click());
$("import-file").addEventListener("change", async ({ target }) => {
  await desk.import([...target.files]);
  target.value = "";
});
$("export-json").addEventListener("click", () => desk.exportAll());
$("export-markdown").addEventListener("click", () => desk.exportShown());
$("inspect").addEventListener("click", () => desk.inspect());
$("open-help").addEventListener("click", () => $("help").showModal());
listenForShortcuts({
  help: () => $("help").showModal(),
  create: begin,
  search: () => (chats.open(), $("search").focus()),
  regenerate: () => desk.regenerate(),
  edit: () => desk.editLast(),
  copy: () => desk.copyLast(),
  side: () => side.toggle(),
  focus: () => composer.focus(),
});
addEventListener("wgslm-not-kept", notKept, { once: true });

function notKept() {
  const message = "The browser refuses to keep the conversation: its storage is full or turned off";
  const hint = "Everything works, but a reload or a closed tab loses what was said.";
  panel.showError({ message, hint, stays: "yes" });
}

// For scripts, what public.js says; for tests and the curious, everything the page itself uses.
const scripts = publicApi(api, model, loadForScript);
window.wgslm = { ...scripts, api, chat, desk, host, library: desk.library, model, offline, boot: null };
refresh();
desk.library.open().catch(panel.showError);
if (missing) load(null);
else setTimeout(() => host.start()); // in a task of its own: reading this page's modules fills one
