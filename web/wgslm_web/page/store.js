// Keeps conversation, settings and unsent text on the main thread, where no worker can lose them.

const PREFIX = "wgslm.";
const memory = new Map(); // private windows and full quotas still get a working page

/** What other programs can have changed is asked for with `isGood`; `area` may be sessionStorage. */
export function load(key, fallback, isGood = () => true, area = "localStorage") {
  const value = read(key, area) ?? memory.get(key);
  return value !== undefined && isGood(value) ? value : fallback;
}

/** A window event "wgslm-not-kept" says that the browser refuses what should outlive the tab. */
export function save(key, value, area = "localStorage") {
  memory.set(key, value);
  try {
    self[area].setItem(PREFIX + key, JSON.stringify(value));
  } catch {
    if (area === "localStorage") dispatchEvent(new CustomEvent("wgslm-not-kept"));
  }
}

export function remove(key) {
  memory.delete(key);
  try {
    localStorage.removeItem(PREFIX + key);
  } catch {
    // nothing was kept
  }
}

/** The keys that begin like this, without it. */
export function keysUnder(start) {
  const whole = PREFIX + start;
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(whole)).map((key) => key.slice(whole.length));
  } catch {
    return [];
  }
}

/** Call `write` at most every `wait` ms, and at once when the page goes away. */
export function saver(write, wait = 400) {
  let timer = 0;
  const now = () => {
    clearTimeout(timer);
    timer = 0;
    write();
  };
  addEventListener("pagehide", () => timer && now());
  return () => {
    timer ||= setTimeout(now, wait);
  };
}

export const isText = (value) => typeof value === "string";
export const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

function read(key, area) {
  try {
    return JSON.parse(self[area].getItem(PREFIX + key)) ?? undefined;
  } catch {
    return undefined;
  }
}
