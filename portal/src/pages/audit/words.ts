import type { Json } from "../../lib/diff";

const WORDS: Record<string, string> = {
  create: "created",
  update: "changed",
  delete: "deleted",
  move: "moved",
  enable: "enabled",
  disable: "disabled",
  enrol: "enrolled",
  announce: "announced",
  gating: "gating switched",
  reset: "password reset",
  password: "password changed",
};

const PAIRS: Record<string, string> = {
  "session.create": "Signed in",
  "session.delete": "Signed out",
  "rule.order": "Order of rules saved",
  "cluster.enrol.refused": "Cluster enrolment refused",
  "cluster.alarms.acknowledge": "Cluster alarms acknowledged",
};

/** Actions that the hub records, to choose from. */
export const ACTIONS = [
  "rule.create",
  "rule.update",
  "rule.enable",
  "rule.disable",
  "rule.move",
  "rule.order",
  "rule.delete",
  "settings.update",
  "cluster.enrol",
  "cluster.announce",
  "cluster.enrol.refused",
  "cluster.alarms.acknowledge",
  "cluster.gating",
  "cluster.delete",
  "user.create",
  "user.update",
  "user.reset",
  "user.password",
  "user.delete",
  "token.create",
  "token.delete",
  "session.create",
  "session.delete",
] as const;

/** What can be changed, by what stands first in its target. */
export const OBJECTS: Record<string, string> = {
  rule: "Rules",
  rules: "Order of rules",
  settings: "Settings",
  cluster: "Clusters",
  user: "Users",
  token: "API tokens",
};

export const ROLES: Record<string, string> = {
  admin: "Security Admin",
  reader: "Security Reader",
  scanner: "Scan worker",
  registry: "Registry",
  cluster: "Cluster agent",
  system: "The hub itself",
};

/** Returns `rule.update` as `Rule changed`. */
export function actionWords(action: string): string {
  const known = PAIRS[action];
  if (known) return known;
  const [noun = "", verb = ""] = action.split(".", 2);
  const word = WORDS[verb] ?? verb.replaceAll("_", " ").replaceAll("-", " ");
  const subject = noun.replaceAll("_", " ");
  return `${subject.charAt(0).toUpperCase()}${subject.slice(1)} ${word}`.trim();
}

/** Returns what a target is called: the name that stands in the change, else its id. */
export function targetName(target: string, ...values: Json[]): string {
  for (const value of values) {
    const name = nameIn(value);
    if (name) return name;
  }
  if (target === "rules/order") return "All rules";
  return target.slice(target.indexOf("/") + 1);
}

function nameIn(value: Json): string {
  if (!value || typeof value !== "object") return "";
  const { name, rule } = value as { name?: unknown; rule?: unknown };
  if (typeof name === "string") return name;
  return rule ? nameIn(rule) : "";
}
