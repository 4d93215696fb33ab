// Thinking models write <think>...</think> before they answer; some templates open it for them.
// The API sends it as text like all else, so it is told apart here.

const OPEN = "<think>";
const CLOSE = "</think>";

/** Split an answer, also one that is still growing, into {thought, said, isThinking}. */
export function splitThinking(content) {
  const text = content.trimStart();
  const isOpened = text.startsWith(OPEN);
  const end = text.indexOf(CLOSE);
  if (end >= 0) {
    const thought = text.slice(isOpened ? OPEN.length : 0, end).trim();
    return { thought, said: text.slice(end + CLOSE.length).trimStart(), isThinking: false };
  }
  if (isOpened) return { thought: beforePart(text.slice(OPEN.length), CLOSE), said: "", isThinking: true };
  const isBeginning = text !== "" && OPEN.startsWith(text);
  return { thought: "", said: isBeginning ? "" : content, isThinking: false };
}

/** The text without a beginning of `mark` at its end. */
function beforePart(text, mark) {
  for (let length = Math.min(mark.length - 1, text.length); length; length -= 1) {
    if (text.endsWith(mark.slice(0, length))) return text.slice(0, -length);
  }
  return text;
}
