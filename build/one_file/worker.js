// Starts a worker of the page that is one file: what it fetches beside itself, the page has sent.

const [, entry] = self.location.href.split("#");
let take;
const carried = new Promise((resolve) => (take = resolve));

addEventListener("message", (event) => {
  event.stopImmediatePropagation(); // the first message is for us, the others for the module
  carryWorkers(event.data.script, {});
  take(event.data.files);
}, { once: true });

const fetchFromAfar = self.fetch;
self.fetch = async (resource, options) => {
  const url = String(resource?.url ?? resource);
  if (!url.startsWith(SITE)) return fetchFromAfar(resource, options);
  const file = (await carried)[url.slice(SITE.length)];
  if (!file) return new Response(null, { status: 404 });
  const stream = file.stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream, { headers: { "content-type": file.type } });
};

// Pyodide refuses classic workers, and knows them by this function.
self.importScripts = () => {
  throw new TypeError("this worker imports no scripts");
};
__use(entry);
