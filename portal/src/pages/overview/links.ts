export type Verdict = "deny" | "audit" | "allow";

/** Returns where the events of a column stand, those of one verdict or all; each event by itself, as they are counted. */
export function columnLink(start: Date, bucketS: number, verdict?: Verdict): string {
  const until = new Date(start.getTime() + bucketS * 1000);
  return link({ since: whole(start), until: whole(until), action: verdict ?? "", grouped: "off" });
}

/** Returns where the events of a verdict stand, of the last `hours`. */
export function totalLink(hours: number, verdict: Verdict): string {
  const range = { 24: "", 168: "7d", 720: "30d" }[hours] ?? "";
  return link({ range, action: verdict, grouped: "off" });
}

const whole = (moment: Date): string => `${moment.toISOString().slice(0, 19)}Z`;

function link(params: Record<string, string>): string {
  const given = Object.entries(params).filter(([, value]) => value);
  return `/monitoring?${new URLSearchParams(given)}`;
}
