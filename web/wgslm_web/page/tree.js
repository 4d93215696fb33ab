// The messages of a conversation as a tree: an edited question or another answer is a branch.

export class MessageTree {
  #messages = new Map(); // id -> message
  #children = new Map(); // id or null -> messages, the oldest first

  /** Messages whose parents are missing, or their own descendants, are left out. */
  constructor(messages = []) {
    // By hand: browsers that lack Map.groupBy, and WebGPU with it, are still to be told what they lack.
    const byParent = new Map(messages.map(({ parent }) => [parent, []]));
    for (const message of messages) byParent.get(message.parent).push(message);
    const waiting = [...(byParent.get(null) ?? [])];
    for (const message of waiting) {
      if (this.#messages.has(message.id)) continue;
      this.add(message);
      waiting.push(...(byParent.get(message.id) ?? []));
    }
  }

  get all() {
    return [...this.#messages.values()];
  }

  get(id) {
    return this.#messages.get(id);
  }

  add(message) {
    this.#messages.set(message.id, message);
    const siblings = [...(this.#children.get(message.parent) ?? []), message];
    this.#children.set(message.parent, siblings.sort((one, other) => one.at - other.at));
  }

  /** The other messages in this one's place, and itself. */
  siblings({ parent }) {
    return this.#children.get(parent) ?? [];
  }

  /** The messages from the first one to this. */
  path(id) {
    const path = [];
    for (let message = this.get(id); message; message = this.get(message.parent)) path.push(message);
    return path.reverse();
  }

  /** The newest end of what follows this message. */
  end(message) {
    let last = message;
    for (let next = message; next; next = this.#children.get(next.id)?.at(-1)) last = next;
    return last;
  }

  /** Take a message out, with all that follows it; return what was taken, the first one first. */
  remove(message) {
    const removed = [message];
    for (const one of removed) removed.push(...(this.#children.get(one.id) ?? []));
    for (const { id } of removed) {
      this.#messages.delete(id);
      this.#children.delete(id);
    }
    this.#children.set(message.parent, this.siblings(message).filter((one) => one !== message));
    return removed;
  }
}
