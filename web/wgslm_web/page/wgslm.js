// For other people's pages: a language model and its API in three lines. demo/embed.html shows it.
//
//   import { wgslm } from "./wgslm.js";
//   await wgslm.load("./models/model.gguf");
//   for await (const text of wgslm.ask("What is a quant?")) document.body.append(text);
//
// `wgslm.fetch` answers /v1/chat/completions and the other routes, also as the `fetch` of an SDK.

import { ApiError, TabApi } from "./api.js";
import { Model } from "./model.js";
import { publicApi } from "./public.js";
import { whatIsMissing } from "./support.js";
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
  const missing = whatIsMissing();
  if (missing) throw new ApiError(`${missing.message}. ${missing.hint}`);
  await running();
  await model.load(source);
}

function running() {
  if (host.state === "up") return Promise.resolve();
  return new Promise((resolve, reject) => {
    host.addEventListener("up", () => resolve(), { once: true });
    host.addEventListener("down", ({ detail }) => reject(new ApiError(`the engine did not start: ${detail.reason}`)), { once: true });
    if (host.state === "off") host.start();
  });
}

export const wgslm = publicApi(api, model, load);
window.wgslm = wgslm;
