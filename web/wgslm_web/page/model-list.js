// What there is to load, as plain objects {name, source, size, quant, used, ...}: kept here, used before,
// found at a hub, on another computer.

import * as store from "./store.js";

const RECENT = "recent";
const MOST_RECENT = 30;

/** The models that were loaded here, the last one first; kept on the page, which outlives the storage. */
export function recentModels() {
  const all = store.load(RECENT, [], Array.isArray);
  return all.filter((model) => store.isRecord(model) && store.isText(model.source?.url) && store.isText(model.name));
}

export function rememberModel(source, { name, quant, nbytes }) {
  if (!source?.url) return; // a picked file cannot be opened again
  const { url, hub } = source;
  const others = recentModels().filter((model) => model.source.url !== url);
  const model = { name, quant, size: nbytes, used: Date.now() / 1000, source: hub ? { url, hub } : { url } };
  store.save(RECENT, [model, ...others].slice(0, MOST_RECENT));
}

export function forgetModel(url) {
  store.save(RECENT, recentModels().filter((model) => model.source.url !== url));
}

/** What is kept, and the storage: {models, storage}; models that the browser deleted are among them. */
export async function keptModels(api) {
  const told = await (await api.fetch("/wgslm/models")).json();
  const kept = told.models.map((model) => ({ ...model, source: { url: model.location } }));
  const known = new Set(kept.map(({ location }) => location));
  const gone = recentModels().filter(({ source }) => ![...known].some((location) => isSame(location, source)));
  return { ...told, models: kept, gone: gone.map((model) => ({ ...model, isGone: true })) };
}

/** Whether what is kept as `location` is what this source loads: of a repository it is one file. */
function isSame(location, { url, hub }) {
  const name = hub ? `${hub.replace(/\/$/, "")}/${url}` : url;
  return location === name || location.startsWith(`${name}:`);
}

export async function hubFiles(api, repo, base) {
  const asked = base ? { repo, base } : { repo };
  const { files, preferred } = await (await api.post("/wgslm/hub", asked)).json();
  const hub = base ? { hub: base } : {};
  return files.map(({ id, path, size }) => {
    const quant = /(?:^|[-_.])((?:I?Q\d|TQ\d|MXFP4|BF16|F16|F32)[A-Z0-9_]*)/i.exec(path.split("/").at(-1))?.[1];
    return { name: path, size, quant: quant?.toUpperCase(), isPreferred: id === preferred, source: { url: id, ...hub } };
  });
}

/** The models of a `wgslm serve`; throws a sentence when it cannot be asked. */
export async function servedModels(address) {
  const base = address.trim().replace(/\/$/, "");
  const told = await askServer(`${base}/wgslm/models`);
  return told.models.map((model) => {
    const name = model.name.replace(/\.gguf$/i, "").replace(/[^\w.-]+/g, "-");
    return { ...model, source: { url: `${base}/wgslm/blobs/${model.id}/${name}.gguf` } };
  });
}

async function askServer(url) {
  let response;
  try {
    response = await fetch(url, { referrerPolicy: "no-referrer", cache: "no-store" });
  } catch {
    throw new Error(`${new URL(url).origin} does not answer this page. Is it running there, with --origin ${location.origin}?`);
  }
  const told = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(told.error?.message ?? `The server answers HTTP ${response.status}.`);
  return told;
}

/** What a model's header says and whether it fits: as /wgslm/preflight answers. */
export async function preflight(api, { url, hub }, context) {
  const asked = { model: url, ...(hub && { hub }), ...(context && { context }) };
  return (await api.post("/wgslm/preflight", asked)).json();
}
