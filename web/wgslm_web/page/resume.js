// Lets a streamed answer outlive the service worker that carries it: where the stream breaks, the
// rest is asked for from its byte on. Responses of any other origin or kind are left as they are.

const HEADER = "x-wgslm-exchange";
const TRIES = 3;

/** Wrap window.fetch; every client in the page, an SDK too, gets whole answers. */
export function resumeBrokenAnswers() {
  const plain = window.fetch.bind(window);
  window.fetch = async (input, init) => {
    const response = await plain(input, init);
    const exchange = response.headers.get(HEADER);
    if (!exchange || !response.body) return response;
    const signal = init?.signal ?? input.signal; // undefined for an address
    const more = (from) => plain(new URL(`./v1/exchanges/${exchange}?from=${from}`, import.meta.url), { signal });
    const { status, statusText, headers } = response;
    return new Response(wholeBody(response.body, more, signal), { status, statusText, headers });
  };
}

/** The bytes of `body`; when it breaks, `more(from)` fetches what is missing. */
function wholeBody(body, more, signal) {
  let reader = body.getReader();
  let nbytes = 0;
  let tries = 0;

  async function goOn(error) {
    if (signal?.aborted || ++tries > TRIES) throw error;
    const response = await more(nbytes);
    if (!response.ok) throw error;
    reader = response.body.getReader();
  }

  return new ReadableStream({
    async pull(stream) {
      for (;;) {
        try {
          const { done, value } = await reader.read();
          if (done) return stream.close();
          nbytes += value.length;
          tries = 0;
          return stream.enqueue(value);
        } catch (error) {
          await goOn(error);
        }
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
