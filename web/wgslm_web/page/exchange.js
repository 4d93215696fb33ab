// Conversations as files: JSON holds all of them, every branch; Markdown holds the one that is shown.

import { titleOf, wholeFacts } from "./conversation.js";
import { isMessage, newId } from "./message.js";
import { chain, factsOf } from "./migrate.js";
import { messagesOf } from "./prompt.js";
import { systemOf } from "./settings.js";
import * as store from "./store.js";

const FORMAT = "wgslm conversations";
const HEADINGS = { system: "System", user: "You", assistant: "Model" };
const HEADING = /^## (System|You|Model)$/m;

/** `found` are {facts, messages} as the database has them. */
export function toJson(found) {
  const conversations = found.map(({ facts, messages }) => ({
    ...facts,
    messages: messages.map(({ conversation: _, ...message }) => message),
  }));
  return JSON.stringify({ format: FORMAT, version: 1, conversations }, null, 1);
}

export function toMarkdown({ title, path, facts }) {
  const parts = messagesOf(path, systemOf(facts.settings)).map(({ role, content, reasoning_content: thought }) =>
    `## ${HEADINGS[role]}\n\n${thought ? `<think>\n${thought}\n</think>\n\n` : ""}${content.replace(/^(?=\\*## (System|You|Model)$)/gm, "\\")}`);
  return [`# ${title}`, ...parts].join("\n\n") + "\n";
}

/** Read a file of either kind as {facts, messages}, under new names; throws a sentence. */
export function fromFile(name, text) {
  const found = /\.json$/i.test(name) ? fromJson(name, text) : [fromMarkdown(text)];
  const good = found.filter(({ messages }) => messages.length);
  if (!good.length) throw new Error(`${name} holds no conversation; export one to see what it looks like`);
  return good;
}

function fromJson(name, text) {
  let read;
  try {
    read = JSON.parse(text);
  } catch (error) {
    throw new Error(`${name} is no JSON: ${error.message}`);
  }
  if (read?.format !== FORMAT || !Array.isArray(read.conversations)) {
    throw new Error(`${name} is no export of this page: its "format" is not "${FORMAT}"`);
  }
  return read.conversations.filter(store.isRecord).map(({ messages, ...facts }) => ({
    facts: { ...wholeFacts(facts), id: newId(), changed: Date.now() },
    messages: Array.isArray(messages) ? messages.filter(isMessage) : [],
  }));
}

function fromMarkdown(text) {
  const [head, ...parts] = text.replace(/\r\n/g, "\n").split(new RegExp(HEADING, "m"));
  const id = newId();
  const messages = [];
  let system = "";
  for (let i = 0; i < parts.length; i += 2) {
    const content = parts[i + 1].trim().replace(/^\\(?=\\*## (System|You|Model)$)/gm, "");
    if (parts[i] === HEADINGS.system) system = content;
    else if (parts[i] === HEADINGS.user) messages.push({ role: "user", content, state: "done" });
    else messages.push({ role: "assistant", content, ids: [], state: "done" });
  }
  const branch = chain(id, Date.now(), messages);
  const title = titleOf(/^# (.+)$/m.exec(head)?.[1] ?? "");
  const facts = factsOf(branch, Date.now());
  return { facts: { ...facts, id, title: title || facts.title, settings: { system } }, messages: branch };
}
