// Starts the page that is one file: decodes what it carries, then runs the modules.

const PIECE = 4 << 20; // characters of base64 that are decoded at a time: a few milliseconds

async function begin() {
  const parts = [...document.querySelectorAll("script[data-part]")];
  const whole = parts.reduce((sum, { textContent }) => sum + textContent.length, 0);
  const files = {};
  let done = 0;
  for (const part of parts) {
    const tell = (length) => showProgress((done += length), whole);
    files[part.dataset.part] = await decode(part.textContent, part.dataset.type, tell);
    part.remove();
  }
  const { worker, model, ...others } = files;
  const name = document.querySelector("meta[name=wgslm-default-model]").content;
  made["carried.js"] = { carriedModel: model ? new File([await inflate(model)], name) : null };
  document.getElementById("loading").hidden = true;
  carryWorkers(await inflate(worker), others);
  __use("app.js");
}

/** Turn base64 into a Blob, with pauses in which the page can answer. */
async function decode(text, type, tell) {
  const pieces = [];
  for (let at = 0; at < text.length; at += PIECE) {
    const piece = text.slice(at, at + PIECE);
    pieces.push(bytesOf(piece));
    tell(piece.length);
    await new Promise((resolve) => setTimeout(resolve));
  }
  return new Blob(pieces, { type });
}

/** Uint8Array.fromBase64 came with Chromium 140, Firefox 133 and Safari 18.2. */
function bytesOf(text) {
  return Uint8Array.fromBase64?.(text) ?? Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

async function inflate(blob) {
  const stream = blob.stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream, { headers: { "content-type": blob.type } }).blob();
}

function showProgress(value, max) {
  document.getElementById("loading").hidden = false;
  document.getElementById("cancel-load").hidden = true;
  document.getElementById("load-text").textContent = "Unpacking the file…";
  Object.assign(document.getElementById("load-bar"), { value, max });
}

begin().catch((error) => {
  const status = document.getElementById("status");
  status.dataset.state = "error";
  status.textContent = `This page could not be unpacked (${error.message}): update the browser, or fetch the file again.`;
  throw error;
});
