// For other people's pages: a language model and its API in three lines. demo/embed.html shows it.
//
//   import { wgslm } from "./wgslm.js";
//   await wgslm.load("./models/model.gguf");
//   for await (const text of wgslm.ask("What is a quant?")) document.body.append(text);
//
// `wgslm.fetch` answers /v1/chat/completions and the other routes, also as the `fetch` of an SDK.

import { ApiError, TabApi } from "./api.js";
import { Model } from "./model.js";
import { publicApi, running } from "./public.js";
import { WorkerHost } from "./worker-host.js";

const api = new TabApi();
const model = new Model(api);
const host = new WorkerHost(() => (model.isLoading ? "loading" : api.pending ? "busy" : "idle"));

host.addEventListener("up", ({ detail }) => {
  api.connect(detail.port);
  if (model.source) model.load(model.source); // it was started again
});
host.addEventListener("down", ({ detail }) => {
  model.forget();
  api.disconnect(`The engine stopped: ${detail.reason}`);
});

/** Load once the engine runs, which the first call starts. */
async function load(source) {
  if (new URL(import.meta.url).origin !== location.origin) {
    throw new ApiError(`wgslm.js must come from this page's own origin, ${location.origin}: put the site's files there`);
  }
  await running(host);
  await model.load(source);
}

export const wgslm = publicApi(api, model, load);
window.wgslm = wgslm;
