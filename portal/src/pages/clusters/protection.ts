import type { Schemas } from "../../api/client";
import type { Tone } from "../../components";

export type Protection = Schemas["ProtectionV1"];
export type Why = Schemas["UnjudgedPodV1"]["why"];

/** Why pods run without a verdict; the command line says the same. */
export const WHY: Record<Why, string> = {
  "failed-open": "Admitted without the gate",
  "not-watched": "Made while no agent looked",
  "not-recorded": "Made when a gate dropped records",
  "excluded-namespace": "In an excluded namespace",
  "static-pod": "Static pods of a node",
  "before-webhook": "Older than the webhook",
};

/** What nobody chose comes first. */
const ALARMING: readonly Why[] = ["failed-open", "not-watched", "not-recorded"];
const ORDER = Object.keys(WHY) as Why[];

export const isAlarming = (why: Why): boolean => ALARMING.includes(why);

export const WEBHOOK: Record<NonNullable<Protection["webhook"]>, [Tone, string]> = {
  "as wanted": ["good", "As it was chosen"],
  "not as wanted": ["bad", "Not as it was chosen"],
  missing: ["bad", "Missing: nothing is gated"],
  "not watched": ["neutral", "Not watched"],
  unknown: ["neutral", "Not known"],
};

export const CANARY: Record<NonNullable<Protection["canary"]>, [Tone, string]> = {
  passing: ["good", "Passes"],
  failing: ["bad", "Does not pass"],
  blocked: ["warning", "Refused by somebody else"],
  off: ["neutral", "Off"],
  unknown: ["neutral", "Not known"],
};

export const DETECTION: Record<NonNullable<Protection["detection"]>, [Tone, string]> = {
  on: ["good", "Running pods are compared"],
  late: ["warning", "Verdicts come late, so nothing can be said"],
  off: ["neutral", "Off"],
};

/** What becomes of a workload's own pods when a later finding makes their image bad. */
export const RE_ADMISSION: Record<NonNullable<Protection["reAdmission"]>, [Tone, string]> = {
  Audit: ["good", "Come back for 14 days, with a warning"],
  Enforce: ["neutral", "Are denied like all others"],
  "Audit without an index": ["warning", "Should come back, but the agent keeps no index of admissions"],
  unknown: ["neutral", "Not known"],
};

export interface Unjudged {
  why: Why;
  text: string;
  count: number;
  tone: Tone;
}

/** Pods without a verdict by why, what nobody chose first. */
export function unjudgedOf(protection: Protection): Unjudged[] {
  const counts = (protection.unjudged ?? {}) as Partial<Record<Why, number>>;
  return ORDER.flatMap((why) => {
    const count = counts[why] ?? 0;
    return count ? [{ why, text: WHY[why], count, tone: toneOf(why) }] : [];
  });
}

function toneOf(why: Why): Tone {
  if (why === "failed-open") return "bad";
  return isAlarming(why) ? "warning" : "neutral";
}
