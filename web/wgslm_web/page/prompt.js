// What the model is asked: a branch of a conversation as the API's messages.

import { splitThinking } from "./thinking.js";

/** The messages before `answer`; failed answers and their questions are left out. */
export function historyOf(path, answer, system) {
  const end = answer ? path.findIndex(({ id }) => id === answer.id) : path.length;
  return messagesOf(withoutFailures(path.slice(0, end)), system);
}

/** All of a branch, as the API would have it. */
export function messagesOf(path, system) {
  const messages = path.map(asMessage);
  return system ? [{ role: "system", content: system }, ...messages] : messages;
}

function asMessage({ role, content, attachments = [] }) {
  const { thought, said } = role === "assistant" ? splitThinking(content) : {};
  if (thought) return { role, content: said, reasoning_content: thought };
  return { role, content: [...attachments.map(fenced), content].filter(Boolean).join("\n\n") };
}

/** A file inside a fence that is longer than any in it. */
export function fenced({ name, text }) {
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return `File ${name}:\n${fence}\n${text.replace(/\n$/, "")}\n${fence}`;
}

/** Drop questions that got no answer at all: templates want the roles to take turns. */
function withoutFailures(messages) {
  const failed = (message) => message?.role === "assistant" && !message.content;
  return messages.filter((message, i) => !failed(message) && !failed(messages[i + 1]));
}
