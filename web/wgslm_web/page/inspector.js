// The raw prompt: exactly what the model reads, token by token, specials and template included.

import { byId, element } from "./dom.js";

const DRAWN = 6000; // tokens that get a box each; the rest is plain text

/** Ask for the tokens of these messages and show them. */
export async function inspectPrompt(api, messages) {
  const { ids, pieces } = await (await api.post("/wgslm/tokenize", { messages })).json();
  byId("inspector-note").textContent =
    `${ids.length.toLocaleString("en")} tokens, as the model's template writes the conversation before this answer.`;
  const boxes = pieces.slice(0, DRAWN).map((piece, i) => element("span", { textContent: piece, title: `id ${ids[i]}` }));
  byId("inspector-text").replaceChildren(...boxes, pieces.slice(DRAWN).join(""));
  byId("inspector").showModal();
}
