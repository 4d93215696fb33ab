// Joins the page and its service worker: a quiet line when a new version waits, a note on what is
// kept, and requests of other clients, which this tab answers with its model.

import { announce } from "./announcer.js";
import { bridge } from "./bridge.js";
import { byId as $, whenIdle } from "./dom.js";
import { Offline } from "./offline.js";
import { resumeBrokenAnswers } from "./resume.js";

const LATEST_MS = 10_000; // the first model has until then; files to keep would slow its load
const NOTES = {
  off: "",
  storing: "Keeping the page on this device, so that it opens without a network…",
  ready: "The page is kept on this device: it opens without a network.",
};

/** `facts()` says what this tab can answer with, as bridge.js wants it. */
export function joinServiceWorker(api, model, facts) {
  const offline = new Offline();
  resumeBrokenAnswers();
  bridge(api, facts);
  showOffline(offline);
  const start = () => whenIdle(() => offline.start());
  for (const type of ["ready", "fail", "cancelled"]) model.addEventListener(type, start, { once: true });
  setTimeout(start, LATEST_MS);
  return offline;
}

function showOffline(offline) {
  offline.addEventListener("change", () => ($("offline-note").textContent = noteOf(offline)));
  offline.addEventListener("update", () => {
    $("update").hidden = false;
    announce("A new version is ready");
  });
  $("update-reload").addEventListener("click", () => offline.reload());
  $("update-close").addEventListener("click", () => ($("update").hidden = true));
}

function noteOf({ state, message }) {
  return NOTES[state] ?? `This version is not kept for use without a network: ${message}.`;
}
