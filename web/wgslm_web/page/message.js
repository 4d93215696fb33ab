// One message: how it is made, and which of those from storage or a file are sound.

import { isRecord, isText } from "./store.js";

const ROLES = ["user", "assistant"];
const STATES = ["done", "stopped", "error", "streaming", "interrupted"];

/** A name that no other tab gives; also where crypto.randomUUID is refused. */
export const newId = () => [...crypto.getRandomValues(new Uint32Array(3))].map((n) => n.toString(36)).join("");

export function question(parent, content, attachments = []) {
  const message = { id: newId(), parent, role: "user", content, state: "done", at: Date.now() };
  return attachments.length ? { ...message, attachments } : message;
}

/** An answer that is still empty. */
export function answerTo(parent) {
  const [id, at] = [newId(), Date.now()];
  return { id, parent, role: "assistant", content: "", ids: [], state: "streaming", at };
}

/** What somebody made of an answer: a text without ids, which can be gone on with. */
export function rewritten({ parent }, content) {
  return { ...answerTo(parent), content, state: "done", edited: true };
}

/** Nobody writes it any more: what a closed or reloaded page left open is stopped. */
export function settled(message) {
  const isOpen = message.state === "streaming" || message.state === "interrupted";
  return isOpen ? { ...message, state: "stopped" } : message;
}

/** What is kept may be of an older page, damaged, or of another hand: is this one a message? */
export function isMessage(value) {
  if (!isRecord(value)) return false;
  const { id, parent, role, content, state, at } = value;
  const isNode = isText(id) && (parent === null || isText(parent)) && Number.isFinite(at);
  const isKnown = ROLES.includes(role) && STATES.includes(state) && isText(content);
  return isNode && isKnown && hasSoundIds(value) && hasSoundFiles(value);
}

function hasSoundIds({ role, ids }) {
  if (role === "user") return ids === undefined;
  return Array.isArray(ids) && ids.every((id) => Number.isInteger(id) && id >= 0);
}

function hasSoundFiles({ attachments = [] }) {
  const isFile = (file) => isRecord(file) && isText(file.name) && isText(file.text);
  return Array.isArray(attachments) && attachments.every(isFile);
}
