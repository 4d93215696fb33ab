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
  if (!source?.url) return; // picked.js knows of files
  const { hub } = source;
  const url = source.url.replace(/#.*/, ""); // as the storage names it
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
  const kept = told.models.map((model) => ({ ...model, source: sourceOf(model) }));
  const gone = recentModels().filter(({ source }) => !kept.some((model) => isSame(model, source)));
  return { ...told, models: kept, gone: gone.map((model) => ({ ...model, isGone: true })) };
}

const sourceOf = ({ location, hub }) => (hub ? { url: location, hub } : { url: location });

/** Whether a kept file is what this source loads: of a repository it is one file. */
function isSame({ location, hub }, source) {
  const isOfIt = location === source.url || location.startsWith(`${source.url}:`);
  return isOfIt && (hub ?? "") === (source.hub ?? "").replace(/\/$/, "");
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
export async function servedModels(server) {
  const told = await server.ask("/wgslm/models");
  return told.models.map((model) => ({ ...model, source: { url: server.blob(model) } }));
}

/** What a model's header says and whether it fits: as /wgslm/preflight answers. */
export async function preflight(api, { url, hub }, context) {
  const asked = { model: url, ...(hub && { hub }), ...(context && { context }) };
  return (await api.post("/wgslm/preflight", asked)).json();
}
