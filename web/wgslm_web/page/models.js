// The dialog of all models: what is kept, what can be found, whether it fits.

import * as format from "./format.js";
import * as list from "./model-list.js";
import { isHubName, sourceFrom } from "./model.js";
import * as picked from "./picked.js";
import { Server } from "./server.js";
import * as store from "./store.js";
import { classOf, thisDevice } from "./suggestions.js";

const $ = (id) => document.getElementById(id);
const HUB = "hub";

export class ModelsDialog {
  #chosen = 0; // counts lookups: only the newest may show something

  /** `load(source)` and `serve(server)` are called when somebody chooses so; `own()` is the page's model. */
  constructor(api, model, { load, serve, own }) {
    Object.assign(this, { api, model, serve, own, dialog: $("models") });
    this.loadNow = (source) => (this.dialog.close(), load(source));
    $("open-models").addEventListener("click", () => this.open());
    $("close-models").addEventListener("click", () => this.dialog.close());
    $("find-form").addEventListener("submit", (event) => (event.preventDefault(), this.#find($("find-model").value.trim())));
    $("server-form").addEventListener("submit", (event) => (event.preventDefault(), this.#showServed()));
    $("use-server").addEventListener("click", () => this.#useServer());
    $("hub-url").value = store.load(HUB, "", store.isText);
    $("hub-url").addEventListener("input", () => store.save(HUB, $("hub-url").value.trim()));
    model.addEventListener("ready", ({ detail }) => this.#loaded(detail.model));
  }

  open() {
    if (!this.dialog.open) this.dialog.showModal();
    this.#showKept();
    this.#showSuggested();
  }

  /** Show where a server is named that could answer in this browser's stead. */
  openServer() {
    this.open();
    $("server").open = true;
    $("server-url").focus();
  }

  /** A name is looked up at the hub that is set; a URL stays what it is. */
  withHub(source) {
    const hub = $("hub-url").value.trim();
    return hub && isHubName(source.url) ? { ...source, hub } : source;
  }

  /** The most tokens of context with which a model fits; 0 if it does with none, or is a picked file. */
  async fitting(source) {
    return source.url ? (await list.preflight(this.api, source, source.context)).fitting : 0;
  }

  #loaded(facts) {
    const { source } = this.model;
    list.rememberModel(source, facts);
    if (source?.handles) picked.rememberPicked(source.handles, facts);
    // Some browsers ask the person, who for the page's own model would not know why. It may never settle.
    if (source?.url && source.url !== this.own()?.url) navigator.storage?.persist?.().catch(() => {});
    if (this.dialog.open) this.#showKept();
  }

  async #find(text) {
    const turn = this.#begin("Looking it up…");
    try {
      const source = this.withHub(sourceFrom(text));
      if (!isHubName(text)) return await this.#judge(source, text, turn);
      const [repo, file] = text.split(":");
      const files = await list.hubFiles(this.api, repo, source.hub);
      if (file) return await this.#judge(source, text, turn);
      if (turn !== this.#chosen) return;
      $("find-status").textContent = files.length ? `${files.length} files; choose one.` : "It has no GGUF file.";
      $("found").replaceChildren(...files.map((model) => this.#foundRow(model)));
    } catch (error) {
      if (turn === this.#chosen) $("find-status").textContent = error.message;
    }
  }

  #begin(text) {
    $("find-status").textContent = text;
    $("found").replaceChildren();
    $("verdict").hidden = true;
    return ++this.#chosen;
  }

  #foundRow(model) {
    const check = button("Check", `Check ${model.name}`, async () => {
      const turn = ++this.#chosen;
      await this.#judge(model.source, model.name, turn).catch(({ message }) => ($("find-status").textContent = message));
    });
    const row = modelRow(model, [check, this.#loadButton(model)]);
    if (model.isPreferred) row.dataset.preferred = "yes";
    return row;
  }

  /** Read the header and say whether the model fits, before anything is loaded. */
  async #judge(source, name, turn) {
    $("find-status").textContent = `Reading the header of ${name}…`;
    const found = await list.preflight(this.api, source);
    if (turn !== this.#chosen) return;
    $("find-status").textContent = "";
    $("verdict").replaceChildren(...verdict(name, found));
    $("verdict").hidden = false;
    if (found.fits) $("verdict").append(this.#loadButton({ name, source }));
    else if (found.fitting) {
      const smaller = { ...source, context: found.fitting };
      $("verdict").append(button(`Load with ${tokens(found.fitting)}`, "", () => this.loadNow(smaller)));
    }
  }

  #loadButton({ name, source }) {
    return button("Load", `Load ${name}`, () => this.loadNow(source));
  }

  async #showKept() {
    try {
      if (this.api.server) return this.#showNothingKept();
      const { models, gone, storage } = await list.keptModels(this.api);
      $("kept-note").textContent = storageText(storage, models);
      const deleted = storage.kind === "none" ? "not kept" : "not kept, or deleted by the browser";
      const rows = models.map((model) => this.#keptRow(model));
      const others = gone.map((model) => this.#goneRow({ ...model, state: deleted }));
      const files = (await picked.pickedModels()).map((model) => this.#pickedRow(model));
      $("kept").replaceChildren(...rows, ...files, ...others);
    } catch (error) {
      $("kept-note").textContent = error.message;
    }
  }

  #showNothingKept() {
    $("kept-note").textContent = `${this.api.server.origin} answers, so nothing is loaded into this tab.`;
    $("kept").replaceChildren();
  }

  #keptRow(model) {
    const part = model.kept < model.size ? `${format.bytes(model.kept)} of it are here` : "";
    const state = part || (model.sha256 ? "checked" : "not checked yet");
    const remove = button("Delete", `Delete ${model.name}`, () => this.#askToDelete(model, remove));
    return modelRow({ ...model, state }, [this.#loadButton(model), remove]);
  }

  /** A file of this computer: the browser asks whether it may be read again. */
  #pickedRow(model) {
    const again = button("Load", `Load ${model.name}`, async () => {
      try {
        this.loadNow({ files: await picked.filesOf(model), handles: model.handles });
      } catch (error) {
        $("kept-note").textContent = error.message;
      }
    });
    const forget = () => picked.forgetPicked(model.id).then(() => this.#showKept());
    const remove = button("Forget", `Forget ${model.name}`, forget);
    return modelRow({ ...model, state: "a file of this computer" }, [again, remove]);
  }

  #goneRow(model) {
    const remove = button("Forget", `Forget ${model.name}`, () => (list.forgetModel(model.source.url), this.#showKept()));
    return modelRow(model, [this.#loadButton(model), remove]);
  }

  /** What took minutes to download is deleted only on a second press. */
  #askToDelete(model, pressed) {
    if (pressed.dataset.sure) return this.#delete(model, pressed);
    const label = pressed.getAttribute("aria-label");
    const question = `Delete ${format.bytes(model.kept)}?`;
    Object.assign(pressed, { textContent: question }).setAttribute("aria-label", `${question} ${model.name}`);
    pressed.dataset.sure = "yes";
    const settle = () => {
      pressed.textContent = "Delete";
      pressed.setAttribute("aria-label", label);
      delete pressed.dataset.sure;
    };
    pressed.addEventListener("blur", settle, { once: true });
  }

  async #delete({ id, source }, pressed) {
    const place = [...$("kept").children].indexOf(pressed.closest("li"));
    try {
      await this.api.post("/wgslm/delete-model", { id });
      list.forgetModel(source.url);
      await this.#showKept();
      const next = $("kept").children[place] ?? $("kept").lastElementChild;
      (next?.querySelector("button") ?? $("close-models")).focus();
    } catch (error) {
      $("kept-note").textContent = error.message;
    }
  }

  async #showSuggested() {
    if ($("suggested").childElementCount) return;
    const { note, models } = classOf(await thisDevice());
    $("suggested-note").textContent = note;
    const own = this.own();
    const rows = models.map(({ repo, format: quant, about }) => {
      const name = `${repo}:${quant}`;
      const check = button("Look up", `Look up ${name}`, () => (($("find-model").value = name), this.#find(name)));
      return modelRow({ name: repo, quant, state: about }, [check]);
    });
    $("suggested").replaceChildren(...(own ? [this.#ownRow(own)] : []), ...rows);
  }

  #ownRow(source) {
    const name = source.files?.[0].name ?? source.url.replace(/#.*/, "").split("/").at(-1);
    return modelRow({ name, state: "comes with this page" }, [this.#loadButton({ name, source })]);
  }

  async #useServer() {
    $("server-status").textContent = "Asking the server…";
    try {
      const server = new Server($("server-url").value, $("server-key").value);
      const { model } = await server.ask("/wgslm/status");
      if (!model) throw new Error(`${server.origin} has no model loaded.`);
      $("server-status").textContent = "";
      this.dialog.close();
      this.serve(server, model);
    } catch (error) {
      $("server-status").textContent = error.message;
    }
  }

  async #showServed() {
    $("server-status").textContent = "Asking the server…";
    $("served").replaceChildren();
    try {
      const models = await list.servedModels(new Server($("server-url").value, $("server-key").value));
      $("server-status").textContent = models.length ? "" : "It has no models to give.";
      $("served").replaceChildren(...models.map((model) => modelRow(model, [this.#loadButton(model)])));
    } catch (error) {
      $("server-status").textContent = error.message;
    }
  }
}

function storageText({ kind, used }, models) {
  if (kind === "none") return "This browser keeps nothing for this page; models are downloaded each time.";
  const files = picked.canKeep() ? "" : " This browser cannot open a file again that you chose: choose it each time.";
  if (!models.length) return `Nothing is kept yet. What you load from an address is kept here for the next visit.${files}`;
  const nbytes = models.reduce((sum, { kept }) => sum + kept, 0);
  return `${format.bytes(nbytes)} in models; this site takes ${format.bytes(used)} of the browser's storage in all.${files}`;
}

function verdict(name, { architecture, parameters, quant, context_length, context, memory, fits, fitting, why, binding }) {
  const facts = `${architecture}, ${format.count(parameters)} parameters, ${quant}, made for ${tokens(context_length)}`;
  const need = `Needs ${format.bytes(memory)} of GPU memory with ${tokens(fits ? context : fitting || context)}`;
  const allowed = `this adapter takes pieces of up to ${format.bytes(binding)} and does not say how much it has in all`;
  const answer = fits ? "Yes, it fits." : fitting ? `It fits with ${tokens(fitting)} of context.` : `No: ${why}.`;
  const lines = [["strong", answer], ["p", `${name}: ${facts}.`], ["p", `${need}; ${allowed}.`]];
  return lines.map(([tag, text]) => element(tag, { textContent: text }));
}

function modelRow({ name, size, quant, used, state }, buttons) {
  const facts = [size && format.bytes(size), quant, state, used && `used ${day(used)}`].filter(Boolean);
  const row = element("li", {});
  const text = element("div", {});
  text.append(element("p", { className: "name", textContent: name }), element("p", { className: "note", textContent: facts.join(" · ") }));
  row.append(text, ...buttons);
  return row;
}

const tokens = (count) => `${count.toLocaleString("en")}\u00a0tokens`;
const day = (seconds) => new Date(seconds * 1000).toLocaleDateString(undefined, { dateStyle: "medium" });

function button(textContent, label, onclick) {
  const made = element("button", { type: "button", className: "quiet", textContent, onclick });
  if (label) made.setAttribute("aria-label", label);
  return made;
}

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}
