// Starts the page without a network, and answers /v1/ of this origin by a tab that has a model.
//
// `python build` fills SITE in, so that any change of any file is a change of this script, which is
// what browsers look for. Nothing else that a page asks for is touched.

import { SiteFiles } from "./site-files.js";
import { answerFromTab } from "./relay.js";

const SITE = { version: "", files: {} };

const scope = new URL(self.registration.scope);
const site = new SiteFiles(SITE, scope);

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("fetch", (event) => {
  const answer = answerTo(event);
  if (answer) event.respondWith(answer);
});
self.addEventListener("message", ({ data }) => {
  if (data.type === "activate") self.skipWaiting(); // somebody asked for the new version
  // "stay" asks for nothing: that an event comes is what keeps this worker alive.
});

async function install() {
  try {
    await site.store();
  } catch (error) {
    await tellTabs({ type: "refused", message: error.message });
    throw error; // this version is dropped by the browser, and the one before it stays
  }
}

async function activate() {
  await site.forgetOthers();
  await self.clients.claim();
}

/** Return the promise of a response; null leaves the request to the network. */
function answerTo(event) {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== scope.origin) return null;
  const route = routeOf(url);
  // Never a navigation: any page in the world may send a tab or a form here.
  if (route) return request.mode === "navigate" ? null : answerFromTab(event, route);
  const path = request.method === "GET" ? site.find(url, request.mode) : null;
  return path === null ? null : site.answer(request, path);
}

/** The app's path that is meant, beside the page or at the root; "" if it is none of the app's. */
function routeOf(url) {
  const beside = url.pathname.startsWith(scope.pathname) ? url.pathname.slice(scope.pathname.length - 1) : "";
  const found = [beside, url.pathname].find((path) => path.startsWith("/v1/"));
  return found ? found + url.search : "";
}

async function tellTabs(message) {
  const tabs = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  for (const tab of tabs) tab.postMessage(message);
}
