// Tells screen readers that an answer begins and what it says once it is whole; never each token.

import { byId } from "./dom.js";
import { splitThinking } from "./thinking.js";

const LONGEST = 1200; // characters that are read out; the rest can be read in the log

export function announce(text) {
  byId("announcer").textContent = text;
}

export function announceAnswer({ content }) {
  const text = splitThinking(content).said.replace(/[*_`#|]+/g, "").trim();
  const isLong = text.length > LONGEST;
  announce(`The model says: ${text.slice(0, LONGEST)}${isLong ? "… The answer goes on in the conversation." : ""}`);
}
