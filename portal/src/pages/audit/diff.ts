export type Json = unknown;

/** One value that a change touched. `path` reads `rule.configuration.maxAllowedSeverities.high`. */
export interface Change {
  path: string;
  kind: "added" | "removed" | "changed";
  before: string;
  after: string;
}

/** Returns what differs between two values, in the order in which people wrote the fields. */
export function diff(before: Json, after: Json): Change[] {
  const old = leaves(before);
  const fresh = leaves(after);
  const changes: Change[] = [];
  for (const [path, value] of old) {
    const now = fresh.get(path);
    if (now === undefined) changes.push({ path, kind: "removed", before: value, after: "" });
    else if (now !== value) changes.push({ path, kind: "changed", before: value, after: now });
  }
  for (const [path, value] of fresh) {
    if (!old.has(path) && value !== "") changes.push({ path, kind: "added", before: "", after: value });
  }
  return changes;
}

/** Returns each value by its path; a list of plain values is one value, so that an inserted one moves nothing. */
function leaves(value: Json, path = "", found = new Map<string, string>()): Map<string, string> {
  if (value === null || value === undefined) return found;
  if (typeof value !== "object") found.set(path || "value", typeof value === "string" ? value : JSON.stringify(value));
  else if (Array.isArray(value) && value.every((item) => typeof item !== "object")) found.set(path || "value", value.map(String).join(", "));
  else for (const [name, item] of Object.entries(value)) leaves(item, path ? `${path}.${name}` : name, found);
  return found;
}

const WORDS: Record<string, string> = {
  create: "created",
  update: "changed",
  delete: "deleted",
  move: "moved",
  apply: "applied",
  enrol: "enrolled",
  gating: "switched gating of",
  reset: "reset",
};

/** Returns `rule.update` as `Rule changed`. */
export function actionWords(action: string): string {
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
  return target.slice(target.indexOf("/") + 1);
}

function nameIn(value: Json): string {
  if (!value || typeof value !== "object") return "";
  const { name, rule } = value as { name?: unknown; rule?: unknown };
  if (typeof name === "string") return name;
  return rule ? nameIn(rule) : "";
}
