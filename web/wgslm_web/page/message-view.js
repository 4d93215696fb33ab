// One message as it is drawn: its text, what the model thought, its files, what can be done with it.

import { copyText } from "./clipboard.js";
import { element, iconButton } from "./dom.js";
import { openEditor } from "./editor.js";
import * as format from "./format.js";
import { MarkdownView } from "./markdown.js";
import { splitThinking } from "./thinking.js";

const NAMES = { user: "You", assistant: "Model" };
const NOTES = {
  stopped: "Stopped.",
  cut: "Cut at the limit.",
  interrupted: "The engine stopped. The answer goes on as soon as it is back.",
};

export class MessageView {
  #isLast = false;
  #can = { ready: false, running: false };

  /** `actions`: resume, regenerate, edit(message, text), remove, branch(message, step), inspect. */
  constructor(message, actions) {
    this.message = message;
    this.actions = actions;
    this.element = element("article", { className: "message" });
    this.element.dataset.role = message.role;
    this.element.setAttribute("aria-label", NAMES[message.role]);
    this.body = element("div", { className: "body", dir: "auto" });
    this.markdown = message.role === "assistant" ? new MarkdownView(this.body) : null;
    this.element.append(...this.#above(), this.body, this.#foot());
  }

  /** Say whether everything is drawn. */
  draw() {
    const { state, content } = this.message;
    const isOpen = state === "streaming" || state === "interrupted";
    this.element.dataset.state = isOpen ? "streaming" : state;
    this.element.setAttribute("aria-busy", String(isOpen));
    this.#drawFoot();
    if (this.markdown) return this.#drawAnswer(content);
    this.body.textContent = content;
    this.body.hidden = !content;
    return true;
  }

  /** `branches` is {count, place} among the messages in this one's place. */
  place({ count, place }, isLast) {
    this.#isLast = isLast;
    this.element.classList.toggle("last", isLast);
    this.branches.hidden = count < 2;
    this.branches.querySelector("span").textContent = `${place + 1} / ${count}`;
    this.back.disabled = place === 0;
    this.next.disabled = place === count - 1;
    this.#drawFoot();
  }

  allow(can) {
    this.#can = can;
    this.#allow();
  }

  edit() {
    const { message, actions } = this;
    openEditor(this, (text) => actions.edit(message, text));
  }

  #drawAnswer(content) {
    const { thought, said, isThinking } = splitThinking(content);
    this.thinking.hidden = !thought && !isThinking;
    this.thinkingTitle.textContent = isThinking && this.element.dataset.state === "streaming" ? "Thinking…" : "Thoughts";
    const isWhole = this.thoughts.update(thought);
    return this.markdown.update(said) && isWhole;
  }

  #drawFoot() {
    const { state, ids, finish_reason, edited, error = "" } = this.message;
    const end = state === "done" && finish_reason === "length" ? "cut" : state;
    const canGoOn = ["stopped", "error", "cut"].includes(end) || (edited && !ids?.length);
    this.note.textContent = end === "error" ? brokenOff(error) : (NOTES[end] ?? (edited && state === "done" ? "Edited." : ""));
    this.again.hidden = !canGoOn || !this.#isLast;
    this.again.textContent = this.message.content ? "Continue" : "Try again";
    this.figures.textContent = figuresOf(this.message);
    this.#allow();
  }

  #allow() {
    const { ready, running } = this.#can;
    this.again.disabled = !ready || running;
    for (const button of this.element.querySelectorAll(".asks")) button.disabled = !ready || running;
    for (const button of this.element.querySelectorAll(".changes")) button.disabled = running;
  }

  #above() {
    if (this.message.role === "user") return this.message.attachments?.length ? [this.#files()] : [];
    const place = element("div", { className: "thought", dir: "auto" });
    this.thoughts = new MarkdownView(place);
    this.thinkingTitle = element("summary");
    this.thinking = element("details", { className: "thinking", hidden: true }, this.thinkingTitle, place);
    return [this.thinking];
  }

  #files() {
    const items = this.message.attachments.map(({ name, note = "" }) =>
      element("li", { title: note }, element("b", { textContent: name }), note && ` ${note}`));
    return element("ul", { className: "files" }, ...items);
  }

  #foot() {
    this.note = element("p", { className: "note" });
    this.figures = element("p", { className: "figures note" });
    this.again = element("button", { type: "button", className: "quiet again" });
    this.again.onclick = () => this.actions.resume(this.message);
    const tools = element("div", { className: "tools" }, this.#arrows(), ...this.#tools());
    return element("footer", {}, this.note, this.again, tools, this.figures);
  }

  #arrows() {
    const step = (by) => () => this.actions.branch(this.message, by);
    this.back = iconButton("left", "The version before", step(-1));
    this.next = iconButton("right", "The next version", step(1));
    this.branches = element("div", { className: "branches", hidden: true }, this.back, element("span"), this.next);
    return this.branches;
  }

  #tools() {
    const { message, actions } = this;
    const isAnswer = message.role === "assistant";
    const copy = iconButton("copy", "Copy", () => copyText(splitThinking(message.content).said, copy));
    const tools = [copy];
    if (isAnswer) tools.push(marked("asks", iconButton("again", "Answer again", () => actions.regenerate(message))));
    tools.push(marked(isAnswer ? "changes" : "asks", iconButton("edit", "Edit", () => this.edit())));
    if (isAnswer) tools.push(marked("asks", iconButton("eye", "What the model read", () => actions.inspect(message))));
    tools.push(marked("changes", iconButton("bin", "Delete from here on", () => actions.remove(message))));
    return tools;
  }
}

/** Why it ended is kept with the answer: the box that says it first is gone after a reload. */
const brokenOff = (reason) => (reason ? `The answer broke off: ${reason}` : "The answer broke off.");

function marked(className, button) {
  button.classList.add(className);
  return button;
}

/** Tokens, speed, first token, cached tokens. */
function figuresOf({ state, timings, usage }) {
  if (!timings || state === "streaming") return "";
  const { predicted_n, predicted_per_second: rate, first_token_ms } = timings;
  const parts = [`${predicted_n} tokens`];
  if (rate > 0) parts.push(`${format.speed(rate)} tok/s`);
  parts.push(`first after ${format.seconds(first_token_ms / 1000)}`);
  const cached = usage?.prompt_tokens_details?.cached_tokens;
  if (cached) parts.push(`${cached} of ${usage.prompt_tokens} prompt tokens cached`);
  return parts.join(" · ");
}
