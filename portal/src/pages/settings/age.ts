import type { Tone } from "../../components";

const DAY_MS = 86_400_000;
/** Busy ecosystems get advisories daily: a week without one is worth a look, a month an alarm. */
const WARN_DAYS = 7;
const BAD_DAYS = 30;

export function ageOf(updatedAt: string, now: Date): Tone {
  const days = (now.getTime() - Date.parse(updatedAt)) / DAY_MS;
  if (Number.isNaN(days)) return "neutral";
  if (days > BAD_DAYS) return "bad";
  return days > WARN_DAYS ? "warning" : "good";
}
