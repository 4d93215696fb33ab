// SHA-256 of bytes that come in pieces, which WebCrypto cannot do: about 200 MB/s.

const [START, ROUNDS] = constants();
const words = new Int32Array(64);

export class Sha256 {
  #state = START.slice();
  #rest = new Uint8Array(64);
  #held = 0; // bytes in #rest
  #total = 0;

  update(bytes) {
    this.#total += bytes.length;
    let at = 0;
    if (this.#held) at = this.#hold(bytes, 0);
    for (; at + 64 <= bytes.length; at += 64) compress(this.#state, bytes, at);
    if (at < bytes.length) this.#hold(bytes, at);
  }

  /** The digest as hex digits; nothing may be added after it. */
  hex() {
    const end = new Uint8Array((this.#held < 56 ? 64 : 128) - this.#held);
    end[0] = 0x80;
    new DataView(end.buffer).setBigUint64(end.length - 8, BigInt(this.#total) * 8n);
    this.update(end);
    return [...this.#state].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }

  /** Take bytes up to a whole block; returns where the next ones are. */
  #hold(bytes, at) {
    const stop = Math.min(at + 64 - this.#held, bytes.length);
    this.#rest.set(bytes.subarray(at, stop), this.#held);
    this.#held += stop - at;
    if (this.#held === 64) {
      compress(this.#state, this.#rest, 0);
      this.#held = 0;
    }
    return stop;
  }
}

function compress(state, bytes, at) {
  schedule(bytes, at);
  let a = state[0], b = state[1], c = state[2], d = state[3]; // destructuring would be 5 times slower
  let e = state[4], f = state[5], g = state[6], h = state[7];
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t = (h + s1 + (g ^ (e & (f ^ g))) + ROUNDS[i] + words[i]) | 0;
    const u = (s0 + ((a & b) | (c & (a | b)))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t) | 0;
    d = c;
    c = b;
    b = a;
    a = (t + u) | 0;
  }
  state[0] = (state[0] + a) | 0;
  state[1] = (state[1] + b) | 0;
  state[2] = (state[2] + c) | 0;
  state[3] = (state[3] + d) | 0;
  state[4] = (state[4] + e) | 0;
  state[5] = (state[5] + f) | 0;
  state[6] = (state[6] + g) | 0;
  state[7] = (state[7] + h) | 0;
}

function schedule(bytes, at) {
  for (let i = 0; i < 16; i++, at += 4) {
    words[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  }
  for (let i = 16; i < 64; i++) {
    const x = words[i - 15], y = words[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    words[i] = (words[i - 16] + words[i - 7] + s0 + s1) | 0;
  }
}

/** The first 32 bits of the fractions of the square and cube roots of the first primes. */
function constants() {
  const primes = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime)) primes.push(n);
  const fraction = (x) => (x - Math.floor(x)) * 2 ** 32;
  return [Int32Array.from(primes.slice(0, 8), (p) => fraction(Math.sqrt(p))), Int32Array.from(primes, (p) => fraction(Math.cbrt(p)))];
}
