import type { Tone } from "../../components";
import type { Cluster, Provider } from "./data";

export const PROVIDERS: Record<Provider, string> = {
  "on-premises": "On-premises",
  azure: "Azure",
  aws: "AWS",
  gcp: "Google Cloud",
};

/** An agent tells how it is every few seconds; after this long it is taken for away. */
const AWAY_MS = 60_000;

export interface Health {
  tone: Tone;
  text: string;
  /** What to do, or what it means. */
  why: string;
}

/** Says whether a cluster enforces what the hub wants, the gravest thing first. */
export function healthOf(cluster: Cluster, now: Date): Health {
  if (!cluster.enrolledAt) {
    return { tone: "info", text: "Waits for its agent", why: "Start the agent there with the one-time token." };
  }
  if (cluster.gating === "Off") {
    return { tone: "bad", text: "Gating is off", why: "The gate admits everything and records it." };
  }
  if (!cluster.lastSeenAt) {
    return { tone: "warning", text: "Never heard of", why: "Its agent has not called the hub yet." };
  }
  if (now.getTime() - Date.parse(cluster.lastSeenAt) > AWAY_MS) {
    return { tone: "warning", text: "Not heard of", why: "The cluster keeps the rules that it has; its events arrive later." };
  }
  const alarms = cluster.protection?.alarms ?? [];
  if (alarms.length) return { tone: "bad", text: "May not be gated", why: alarms.map(({ message }) => message).join("\n") };
  if (cluster.problems?.length) return { tone: "warning", text: "Has problems", why: cluster.problems.join("\n") };
  if (!isCurrent(cluster)) return { tone: "info", text: "Takes over new rules", why: "The newest rules are not in force there yet." };
  return { tone: "good", text: "Enforcing", why: "The newest rules are in force." };
}

/** An agent tells problems up to this length, and alarms whole. */
const PROBLEM_CHARS = 500;

/** Returns the problems that are not told as alarms already. */
export function problemsBeside(cluster: Cluster): string[] {
  const alarms = new Set(cluster.protection?.alarms?.map(({ message }) => message.slice(0, PROBLEM_CHARS)));
  return (cluster.problems ?? []).filter((problem) => !alarms.has(problem));
}

export const isCurrent = (cluster: Cluster): boolean => cluster.policyGeneration === cluster.wantedGeneration;

const PAIR = /^([^=\s][^=]*)=(.*)$/;

/** Reads labels as people type them, `key=value` each; throws what is wrong with the first bad one. */
export function readLabels(words: readonly string[]): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const word of words) {
    const [, key, value] = PAIR.exec(word) ?? [];
    if (key === undefined || value === undefined) throw new Error(`“${word}” is no label: want key=value`);
    if (key in labels) throw new Error(`The label “${key}” is given twice`);
    labels[key] = value;
  }
  return labels;
}

export const labelWords = (labels: Record<string, string>): string[] =>
  Object.entries(labels).map(([key, value]) => `${key}=${value}`);

/** What is wrong with a cluster's name, empty where nothing is. */
export function nameProblem(name: string, taken: readonly string[]): string {
  if (name === "") return "";
  if (name.length > 128) return "At most 128 characters.";
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) return "Letters, digits, dots, dashes and underscores, a letter or digit first.";
  return taken.includes(name) ? "A cluster of this name is enrolled already." : "";
}
