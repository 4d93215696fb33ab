// What a model thinks comes apart from what it says; an answer keeps both as one text,
// <think>...</think> first, so that it can be stored, edited, exported and shown as one.

const OPEN = "<think>";
const CLOSE = "</think>";

/** Split an answer, also one that is still growing, into {thought, said, isThinking}. */
export function splitThinking(content) {
  const text = content.trimStart();
  if (!text.startsWith(OPEN)) {
    const isBeginning = text !== "" && OPEN.startsWith(text);
    return { thought: "", said: isBeginning ? "" : content, isThinking: false };
  }
  const end = text.indexOf(CLOSE);
  if (end < 0) return { thought: beforePart(text.slice(OPEN.length), CLOSE), said: "", isThinking: true };
  const thought = text.slice(OPEN.length, end).trim();
  return { thought, said: text.slice(end + CLOSE.length).trimStart(), isThinking: false };
}

/** An answer's text after one more delta of the API. */
export function grown(content, { reasoning_content: thought = "", content: said = "", content_was_reasoning }) {
  if (content_was_reasoning) {
    const { thought, said: told } = splitThinking(content);
    return OPEN + [thought, told].filter(Boolean).join("\n\n");
  }
  const end = content.indexOf(CLOSE);
  const isOpen = content.startsWith(OPEN) && end < 0;
  if (thought && end >= 0) return `${content.slice(0, end)}${thought}${content.slice(end)}${said}`;
  if (thought) return grown(`${isOpen ? content : OPEN + content}${thought}`, { content: said });
  return said && isOpen ? `${content}\n${CLOSE}\n\n${said}` : content + said;
}

/** The text without a beginning of `mark` at its end. */
function beforePart(text, mark) {
  for (let length = Math.min(mark.length - 1, text.length); length; length -= 1) {
    if (text.endsWith(mark.slice(0, length))) return text.slice(0, -length);
  }
  return text;
}
