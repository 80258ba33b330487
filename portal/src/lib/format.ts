/** Returns `text` cut in the middle to about `most` characters; the ends of digests differ, too. */
export function cutMiddle(text: string, most: number): string {
  if (text.length <= most) return text;
  const tail = Math.floor((most - 1) / 3);
  return `${text.slice(0, most - 1 - tail)}…${text.slice(text.length - tail)}`;
}

/** Returns the short form of a digest: `sha256:dae203f1…9c41`. */
export function shortDigest(digest: string): string {
  const [algorithm, hex] = digest.split(":");
  return algorithm && hex && hex.length > 16 ? `${algorithm}:${hex.slice(0, 8)}…${hex.slice(-4)}` : digest;
}

const STEPS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 365 * 86_400],
  ["month", 30 * 86_400],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });

/** Returns how far `moment` is from `now`, in one unit: `3 min. ago`, `in 2 days`. */
export function relativeTime(moment: Date, now: Date): string {
  const seconds = (moment.getTime() - now.getTime()) / 1000;
  const step = STEPS.find(([, size]) => Math.abs(seconds) >= size);
  return step ? relative.format(Math.trunc(seconds / step[1]), step[0]) : "just now";
}

const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

/** Returns `moment` in the reader's own time zone, to the second. */
export const exactTime = (moment: Date): string => exact.format(moment);

export function formatBytes(count: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

export const formatCount = (count: number): string => count.toLocaleString("en");

/** Returns `1 rule`, `3 rules`. */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${formatCount(count)} ${count === 1 ? one : many}`;

export const capitalize = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** Returns `PolicyEvaluation` as `Policy evaluation`, `ForbiddenCve` as `Forbidden CVE`. */
export function spaced(word: string): string {
  const [first = "", ...rest] = word.replace(/([a-z])([A-Z])/g, "$1 $2").split(" ");
  return [first, ...rest.map((part) => (part === "Cve" ? "CVE" : part.toLowerCase()))].join(" ");
}
