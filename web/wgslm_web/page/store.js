// Keeps conversation, settings and unsent text on the main thread, where no worker can lose them.

const PREFIX = "wgslm.";
const memory = new Map(); // private windows and full quotas still get a working page

export function load(key, fallback) {
  try {
    const text = localStorage.getItem(PREFIX + key);
    return text === null ? fallback : JSON.parse(text);
  } catch {
    return memory.has(key) ? memory.get(key) : fallback;
  }
}

export function save(key, value) {
  memory.set(key, value);
  try {
    localStorage.setItem(PREFIX + key, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

/** Save at most every `wait` ms, and at once when the page goes away. */
export function saver(key, read, wait = 400) {
  let timer = 0;
  const now = () => {
    clearTimeout(timer);
    timer = 0;
    save(key, read());
  };
  addEventListener("pagehide", () => timer && now());
  return () => {
    timer ||= setTimeout(now, wait);
  };
}
