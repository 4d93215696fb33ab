// Numbers as people read them.

const UNITS = ["B", "kB", "MB", "GB", "TB"];

export function bytes(count) {
  let unit = 0;
  while (count >= 999.5 && unit < UNITS.length - 1) {
    count /= 1000;
    unit += 1;
  }
  return `${unit && count < 100 ? count.toFixed(1) : Math.round(count)} ${UNITS[unit]}`;
}

export function count(number) {
  if (number >= 999.5e6) return `${(number / 1e9).toFixed(1)} B`;
  if (number >= 999.5e3) return `${Math.round(number / 1e6) || (number / 1e6).toFixed(1)} M`;
  return number >= 1000 ? `${Math.round(number / 1e3)} k` : `${number}`;
}

export function seconds(value) {
  if (value >= 90) return `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} s`;
}

export function speed(perSecond) {
  return perSecond < 10 ? perSecond.toFixed(1) : `${Math.round(perSecond)}`;
}
