// The service worker's side of an API request: finds a tab that has a model, and streams its answer.
//
// Each request has a port of its own to the tab (bridge.js). Worker to tab: `request`, `resume`,
// `abort`. Tab to worker: `tab`, then `start`, `body`, `end` or `fail`. Each holds a lock as long as
// it lives, so that the other learns of its death.

const ANSWER_MS = 1000; // a frozen tab never says what it has
const SETTLE_MS = 100; // for the others to answer, once one can
const RESUMED = /^\/v1\/exchanges\/([\w-]+)\?from=(\d+)$/; // resume.js asks for it
const ALIASES = ["", "default", "local", "wgslm"]; // "whatever is loaded", as the app has them

/** Answer `event` as the app in a tab does; `route` is the app's path with its query. */
export async function answerFromTab(event, route) {
  const { request, clientId } = event;
  const lock = await holdLock();
  const [, resumed, from] = RESUMED.exec(route) ?? [];
  const body = request.method === "GET" || request.method === "HEAD" ? null : await request.text();
  const tab = await findTab({ clientId, resumed, model: modelIn(body) });
  if (!tab.port) return refusal(tab.message);
  const exchange = resumed ?? crypto.randomUUID();
  const { method, headers } = request;
  if (request.signal.aborted) return Response.error();
  const answer = receive(tab, exchange, request.signal);
  if (resumed) tab.port.postMessage({ type: "resume", exchange, from: Number(from), lock });
  else tab.port.postMessage({ type: "request", exchange, method, path: route, headers: [...headers], body, lock });
  return answer;
}

/** Resolves to {port, lock} of the tab that fits best, or {message} if none can answer. */
async function findTab(wanted) {
  const tabs = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const replies = await askTabs(tabs, wanted);
  const able = replies.filter((reply) => rank(reply, wanted) > 0);
  const [best] = able.sort((a, b) => rank(b, wanted) - rank(a, wanted));
  for (const { port } of replies) if (port !== best?.port) port.close();
  if (best) return best;
  if (wanted.resumed) return { message: "no tab knows this answer any more; ask again" };
  if (replies.some(({ isLoading }) => isLoading)) return { message: "a tab is still loading its model; ask again soon" };
  return { message: "no tab of this site has a model loaded; open the page and load one" };
}

/** 0 if this tab cannot answer; the named model counts most, then the asking tab, then who is free. */
function rank({ model, isBusy, isOwn, hasExchange }, { resumed, model: wanted }) {
  if (resumed) return hasExchange ? 1 : 0;
  if (!model) return 0;
  const fits = model === wanted ? 8 : ALIASES.includes(wanted) ? 4 : 1;
  return fits + (isOwn ? 2 : 0) + (isBusy ? 0 : 1);
}

/** Ask every tab what it has; resolves to what was said in time. */
function askTabs(tabs, wanted) {
  const replies = [];
  return new Promise((resolve) => {
    const settle = () => resolve(replies);
    if (!tabs.length) settle();
    setTimeout(settle, ANSWER_MS);
    for (const tab of tabs) {
      const { port1: port, port2 } = new MessageChannel();
      port.onmessage = ({ data }) => {
        replies.push({ ...data, port, isOwn: tab.id === wanted.clientId });
        if (replies.length === tabs.length) settle();
        else if (rank(replies.at(-1), wanted) > 0) setTimeout(settle, SETTLE_MS);
      };
      tab.postMessage({ type: "wgslm-tab?", exchange: wanted.resumed }, [port2]);
    }
  });
}

/** Resolves to the Response that the tab sends through its port. */
function receive({ port, lock }, exchange, signal) {
  const ended = new AbortController(); // of the exchange; ends the wait for the tab's death
  return new Promise((resolve) => {
    let stream = null;
    let isEvents = false;
    const end = () => (ended.abort(), port.close());
    const abort = () => (port.postMessage({ type: "abort" }), end());
    const body = new ReadableStream({ start: (controller) => (stream = controller), cancel: abort });
    const fail = (message) => {
      if (ended.signal.aborted) return;
      end();
      resolve(refusal(message)); // unless the answer has begun
      if (isEvents) stream.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(errorOf(message))}\n\n`));
      isEvents ? stream.close() : stream.error(new TypeError(message));
    };
    signal.addEventListener("abort", () => ended.signal.aborted || abort(), { once: true });
    port.onmessage = ({ data }) => {
      if (data.type === "start") {
        const headers = new Headers(data.headers);
        headers.set("x-wgslm-exchange", exchange);
        isEvents = headers.get("content-type")?.startsWith("text/event-stream") ?? false;
        const isEmpty = data.status === 204 || data.status === 304;
        resolve(new Response(isEmpty ? null : body, { status: data.status, headers }));
      } else if (data.type === "body") stream.enqueue(data.chunk);
      else if (data.type === "end") (end(), stream.close());
      else fail(data.message);
    };
    navigator.locks
      .request(lock, { signal: ended.signal }, () => fail("the tab that was answering was closed"))
      .catch(() => {}); // the exchange ended first
  });
}

function modelIn(body) {
  try {
    const { model } = JSON.parse(body);
    return typeof model === "string" ? model : "";
  } catch {
    return ""; // the app says what is wrong with it
  }
}

const errorOf = (message) => ({
  error: { message, type: "server_error", param: null, code: "no_tab" },
});

function refusal(message) {
  return Response.json(errorOf(message), { status: 503, headers: { "retry-after": "2" } });
}

let held = null;

/** Hold a lock until this worker is stopped; resolves to its name. */
function holdLock() {
  const name = `wgslm-relay-${crypto.randomUUID()}`;
  held ??= new Promise((resolve) => {
    navigator.locks.request(name, () => (resolve(name), new Promise(() => {})));
  });
  return held;
}
