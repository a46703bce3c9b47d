// Time axis: ticks that suit the span, whether hours or decades, and how dates are written. All in UTC.

const MINUTE = 60e3;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
const YEAR = 365.2425 * DAY;
const STEPS = [
  ...[1, 3, 6, 12].map((n) => ({ unit: "hour", n, length: n * HOUR })),
  ...[1, 2, 7, 14].map((n) => ({ unit: "day", n, length: n * DAY })),
  ...[1, 3, 6].map((n) => ({ unit: "month", n, length: (n * YEAR) / 12 })),
  ...[1, 2, 5, 10, 20, 50].map((n) => ({ unit: "year", n, length: n * YEAR })),
];
const FORMATS = {
  hour: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  day: { day: "numeric", month: "short" },
  month: { month: "short", year: "numeric" },
  year: { year: "numeric" },
};
const write = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...options });
const WRITERS = Object.fromEntries(Object.entries(FORMATS).map(([unit, options]) => [unit, write(options)]));
const LONG = write({ day: "numeric", month: "short", year: "numeric" });
const LONG_TIME = write({ day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });

/** Return at most `most` ticks [{time, label}] between two times, in milliseconds. */
export function ticksBetween(start, end, most) {
  const step = STEPS.find(({ length }) => (end - start) / length <= most) ?? STEPS.at(-1);
  const ticks = [];
  for (let time = firstTick(start, step); time <= end && ticks.length < 200; time = nextTick(time, step)) {
    ticks.push({ time, label: WRITERS[step.unit].format(time) });
  }
  return ticks;
}

function firstTick(start, { unit, n, length }) {
  const date = new Date(start);
  if (unit === "hour" || unit === "day") return Math.ceil(start / length) * length;
  const year = date.getUTCFullYear();
  const first = unit === "year" ? Date.UTC(Math.floor(year / n) * n, 0) : Date.UTC(year, Math.floor(date.getUTCMonth() / n) * n); // prettier-ignore
  return first < start ? nextTick(first, { unit, n, length }) : first;
}

function nextTick(time, { unit, n, length }) {
  const date = new Date(time);
  if (unit === "year") return Date.UTC(date.getUTCFullYear() + n, 0);
  if (unit === "month") return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + n);
  return time + length;
}

/** Return a time in words, with the hour where the whole axis spans few days. */
export function inWords(time, span) {
  return (span < 4 * DAY ? LONG_TIME : LONG).format(time);
}

/** Return a time as ISO 8601 in UTC, to the second. */
export function iso(time) {
  return `${new Date(Math.round(time / 1000) * 1000).toISOString().slice(0, 19)}Z`;
}
