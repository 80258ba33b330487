/** A span of time, as the address says it: `range=7d`, or `since` and `until`. */

export const RANGES = {
  "1h": { text: "Last hour", seconds: 3_600 },
  "24h": { text: "Last 24 hours", seconds: 86_400 },
  "7d": { text: "Last 7 days", seconds: 7 * 86_400 },
  "30d": { text: "Last 30 days", seconds: 30 * 86_400 },
  all: { text: "All times", seconds: 0 },
} as const;

export type Range = keyof typeof RANGES;

/** The latest hours or days, or from one instant to another (RFC 3339, UTC; empty: open). */
export type Span = { range: Range } | { since: string; until: string };

/** Returns the span that an address asks for, `otherwise` where it asks for none that there is. */
export function readSpan(params: URLSearchParams, otherwise: Range): Span {
  const since = instantOf(params.get("since"));
  const until = instantOf(params.get("until"));
  if (since || until) return { since, until };
  const asked = params.get("range") ?? "";
  return { range: Object.hasOwn(RANGES, asked) ? (asked as Range) : otherwise };
}

/** Returns the parameters of an address that ask for `span`; those that do not are empty. */
export function spanParams(span: Span, otherwise: Range): Record<"range" | "since" | "until", string> {
  if ("range" in span) return { range: span.range === otherwise ? "" : span.range, since: "", until: "" };
  return { range: "", ...span };
}

export interface Bounds {
  since?: string;
  until?: string;
}

/** Returns where a span begins and ends; an end that is open is left out. */
export function boundsOf(span: Span, now: Date): Bounds {
  if ("range" in span) {
    const { seconds } = RANGES[span.range];
    return seconds ? { since: new Date(now.getTime() - seconds * 1000).toISOString() } : {};
  }
  return { ...(span.since ? { since: span.since } : {}), ...(span.until ? { until: span.until } : {}) };
}

/** Returns what is wrong with a span, empty for one that can hold something. */
export function spanProblem(span: Span): string {
  if ("range" in span || !span.since || !span.until || span.since < span.until) return "";
  return "The end must be later than the beginning";
}

/** Returns `text` as an instant in UTC, to the second; empty where it is none. */
function instantOf(text: string | null): string {
  const moment = new Date(text ?? "");
  return Number.isNaN(moment.getTime()) ? "" : `${moment.toISOString().slice(0, 19)}Z`;
}

const pad = (value: number): string => String(value).padStart(2, "0");

/** Returns an instant as a field of date and time shows it: in the reader's own time zone. */
export function toField(instant: string): string {
  if (!instant) return "";
  const moment = new Date(instant);
  const day = `${moment.getFullYear()}-${pad(moment.getMonth() + 1)}-${pad(moment.getDate())}`;
  return `${day}T${pad(moment.getHours())}:${pad(moment.getMinutes())}`;
}

/** Returns the instant that such a field says. */
export const fromField = (text: string): string => instantOf(text);
