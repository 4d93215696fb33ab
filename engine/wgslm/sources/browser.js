// Bytes for the tab: one range of a URL, one slice of a picked File. Which replies are believed and
// when to ask again is decided in Python (sources/ranges.py).

/** A request for one byte range; `head`, then `body` or nothing, and `abort` at any time. */
export class RangeRequest {
  constructor(method, url, byteRange, stallMs) {
    this.options = { method, headers: { Range: byteRange }, cache: "no-store", referrerPolicy: "no-referrer" };
    this.url = url;
    this.stallMs = stallMs;
    this.controller = new AbortController();
  }

  /** Resolves to status, the url after redirects, and the headers that may be seen. */
  async head() {
    const { signal } = this.controller;
    this.response = await this.timed(fetch(this.url, { ...this.options, signal }));
    const { status, redirected, url, headers } = this.response;
    return { status, url: redirected ? url : this.url, headers: Object.fromEntries(headers) };
  }

  /** Resolves to a Uint8Array of the body, which must have exactly `nbytes`. */
  async body(nbytes) {
    const bytes = new Uint8Array(nbytes);
    const reader = this.response.body.getReader();
    let at = 0;
    for (;;) {
      const { done, value } = await this.timed(reader.read());
      if (done) break;
      if (at + value.length > nbytes) throw namedError("TooLong", "more than the range was sent");
      bytes.set(value, at);
      at += value.length;
      value.buffer.transfer?.(0); // frees it now: left to the collector, 64 MB would pile up
    }
    if (at < nbytes) throw namedError("Cut", `only ${at} of ${nbytes} bytes were sent`);
    return bytes;
  }

  /** Stops the download, whether it is done or not. */
  abort() {
    this.controller.abort();
  }

  /** Waits for a promise, but not longer than the server may be silent. */
  async timed(promise) {
    let timer;
    const silence = new Promise((_, reject) => {
      timer = setTimeout(() => {
        reject(namedError("Stall", `nothing was sent for ${this.stallMs / 1000} s`));
        this.abort();
      }, this.stallMs);
    });
    return Promise.race([promise, silence]).finally(() => clearTimeout(timer));
  }
}

/** Resolves to {status, link, body} of an answer that is read whole, up to `most` bytes. */
export async function fetchSmall(url, most, stallMs) {
  const signal = AbortSignal.timeout(stallMs);
  const response = await fetch(url, { signal, cache: "no-store", referrerPolicy: "no-referrer" });
  const reader = response.body?.getReader();
  const pieces = [];
  let nbytes = 0;
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (done) break;
    pieces.push(value);
    nbytes += value.length;
    if (nbytes > most) throw namedError("TooLong", `more than ${most} bytes were sent`);
  }
  const body = new Uint8Array(await new Blob(pieces).arrayBuffer());
  return { status: response.status, link: response.headers.get("link") ?? "", body };
}

/** Resolves to a Uint8Array of the bytes start .. stop of a File or Blob. */
export async function sliceFile(file, start, stop) {
  return new Uint8Array(await file.slice(start, stop).arrayBuffer());
}

function namedError(name, message) {
  return Object.assign(new Error(message), { name });
}
