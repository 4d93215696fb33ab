// Conversations of earlier pages, which localStorage kept as lists: into the database, once.

import { titleOf } from "./conversation.js";
import { isMessage } from "./message.js";
import * as store from "./store.js";

const FOLDER = "conversation.";

/** Move what there is; ids come from the old ones, so that two tabs that do it do the same. */
export async function migrate(database) {
  for (const id of store.keysUnder(FOLDER)) {
    const { at, messages } = store.load(FOLDER + id, {}, store.isRecord);
    const changed = Number.isFinite(at) ? at : Date.now();
    const branch = chain(id, changed, Array.isArray(messages) ? messages : []);
    const isKept = !branch.length || (await database.write(id, factsOf(branch, changed), branch, true));
    if (isKept) store.remove(FOLDER + id);
  }
}

/** The sound messages of a list as a tree of one branch. */
export function chain(id, at, messages) {
  const branch = [];
  for (const [i, message] of messages.entries()) {
    if (!store.isRecord(message)) continue;
    const parent = branch.at(-1)?.id ?? null;
    const node = { ...message, id: `${id}-${i}`, parent, at: at + i };
    if (isMessage(node)) branch.push(node);
  }
  return branch;
}

export function factsOf(branch, changed) {
  const title = titleOf(branch.find(({ role }) => role === "user")?.content ?? "");
  return { title, isNamed: false, created: changed, changed, leaf: branch.at(-1)?.id ?? null, settings: {} };
}
