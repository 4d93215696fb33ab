// Numbers as people read them; no line ends between a number and its unit.

const UNITS = ["B", "kB", "MB", "GB", "TB"];

export function bytes(count) {
  let unit = 0;
  while (count >= 999.5 && unit < UNITS.length - 1) {
    count /= 1000;
    unit += 1;
  }
  return `${unit && count < 100 ? count.toFixed(1) : Math.round(count)}\u00a0${UNITS[unit]}`;
}

export function count(number) {
  if (number >= 999.5e6) return `${(number / 1e9).toFixed(1)}\u00a0B`;
  if (number >= 999.5e3) return `${(number / 1e6).toFixed(number < 99.95e6 ? 1 : 0)}\u00a0M`;
  return number >= 1000 ? `${Math.round(number / 1e3)}\u00a0k` : `${number}`;
}

export function seconds(value) {
  if (value >= 90) return `${Math.floor(value / 60)}\u00a0min ${Math.round(value % 60)}\u00a0s`;
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)}\u00a0s`;
}

export function speed(perSecond) {
  return perSecond < 10 ? perSecond.toFixed(1) : `${Math.round(perSecond)}`;
}
