// What other people's scripts may use of a page with the engine: load a model, call its API, ask.

import { ApiError, eventsOf } from "./api.js";
import { sourceFrom } from "./model.js";
import { whatIsMissing } from "./support.js";

/** `load` and `model` are the page's; `load` waits until the engine runs. */
export function publicApi(api, model, load) {
  return {
    /**
     * Load a GGUF file, by its address, a hub's name or picked File; resolves to the model's facts.
     * `onProgress` gets {stage, done, total, seconds}; a refusal rejects with an ApiError.
     */
    async load(location, { context, onProgress, signal } = {}) {
      const source = { ...sourceOf(location), ...(context && { context }) };
      const heard = {};
      const hear = ({ type, detail }) => {
        if (type === "progress" && model.loading === source) onProgress?.(detail);
        else if (detail.source === source) heard.error = detail.error ?? cancelled();
      };
      const cancel = () => model.loading === source && model.cancel();
      for (const type of EVENTS) model.addEventListener(type, hear);
      signal?.addEventListener("abort", cancel);
      try {
        signal?.throwIfAborted();
        await load(source);
      } finally {
        for (const type of EVENTS) model.removeEventListener(type, hear);
        signal?.removeEventListener("abort", cancel);
      }
      if (heard.error) throw heard.error;
      if (model.source !== source || !model.facts) throw cancelled();
      return model.facts;
    },

    /** Like window.fetch, but the app in this page answers, whatever the host in the address. */
    async fetch(input, init) {
      const request = new Request(input, init);
      const { pathname, search } = new URL(request.url);
      const { method, headers, signal } = request;
      const body = method === "GET" || method === "HEAD" ? null : await request.text();
      return api.fetch(pathname + search, { method, headers, body, signal });
    },

    /**
     * Yield the text of an answer as it comes; `parameters` are those of /v1/chat/completions.
     * Where a model ends thoughts that it has not begun, they come first, and then a blank line.
     */
    async *ask(messages, { signal, ...parameters } = {}) {
      const asked = typeof messages === "string" ? [{ role: "user", content: messages }] : messages;
      const body = { model: "default", messages: asked, ...parameters, stream: true };
      for await (const event of eventsOf(await api.post("/v1/chat/completions", body, signal))) {
        const text = event.choices[0]?.delta?.content;
        if (text) yield text;
      }
    },
  };
}

/** Resolves once the engine runs; rejects where models cannot run, with what is missing. */
export async function running(host) {
  const missing = whatIsMissing();
  if (missing) throw new ApiError(`${missing.message}. ${missing.hint}`);
  await host.running();
}

const EVENTS = ["progress", "fail", "cancelled"];

const cancelled = () => new ApiError("the load was cancelled, or another took its place", { code: "cancelled" });

function sourceOf(location) {
  if (location instanceof File) return { files: [location] };
  if (Array.isArray(location)) return { files: location };
  if (typeof location === "string" && location) return sourceFrom(location);
  throw new ApiError(`load takes an address, a hub's name or a File, not ${String(location) || "an empty text"}`);
}
