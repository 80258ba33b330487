export type Json = unknown;

/** One value that a change touched. `path` reads `rule.configuration.maxAllowedSeverities.high`. */
export interface Change {
  path: string;
  /** moved: a list has the same values in another order. */
  kind: "added" | "removed" | "changed" | "moved";
  /** Of a list those values alone that are gone, of a moved one all. */
  before: readonly string[];
  /** Of a list those values alone that are new, of a moved one all. */
  after: readonly string[];
  /** Values of a list that are neither. */
  same: number;
}

type Leaf = string | readonly string[];

/** Returns what differs between two values, in the order in which people wrote the fields. */
export function diff(before: Json, after: Json): Change[] {
  const old = leaves(before);
  const fresh = leaves(after);
  const changes: Change[] = [];
  for (const [path, value] of old) {
    const now = fresh.get(path);
    if (now === undefined) changes.push({ path, kind: "removed", before: listed(value), after: [], same: 0 });
    else changes.push(...between(path, value, now));
  }
  for (const [path, value] of fresh) {
    if (!old.has(path) && value.length) changes.push({ path, kind: "added", before: [], after: listed(value), same: 0 });
  }
  return changes;
}

const listed = (leaf: Leaf): readonly string[] => (typeof leaf === "string" ? [leaf] : leaf);

function between(path: string, before: Leaf, after: Leaf): Change[] {
  if (typeof before === "string" || typeof after === "string") {
    return before === after ? [] : [{ path, kind: "changed", before: listed(before), after: listed(after), same: 0 }];
  }
  const gone = without(before, after);
  const come = without(after, before);
  if (gone.length || come.length) {
    return [{ path, kind: "changed", before: gone, after: come, same: before.length - gone.length }];
  }
  return before.join("\n") === after.join("\n") ? [] : [{ path, kind: "moved", before, after, same: 0 }];
}

/** Returns `values` without those of `others`, each as often as it stands there. */
function without(values: readonly string[], others: readonly string[]): string[] {
  const left = new Map<string, number>();
  for (const other of others) left.set(other, (left.get(other) ?? 0) + 1);
  return values.filter((value) => {
    const count = left.get(value) ?? 0;
    left.set(value, count - 1);
    return count < 1;
  });
}

/** Returns each value by its path; a list of plain values is one value, so that an inserted one moves nothing. */
function leaves(value: Json, path = "", found = new Map<string, Leaf>()): Map<string, Leaf> {
  const at = path || "value";
  if (value === null || value === undefined) return found;
  if (typeof value !== "object") found.set(at, typeof value === "string" ? value : JSON.stringify(value));
  else if (!Array.isArray(value)) {
    for (const [name, item] of Object.entries(value)) leaves(item, path ? `${path}.${name}` : name, found);
  } else if (value.every((item) => item === null || typeof item !== "object")) found.set(at, value.map(String));
  else namedItems(value).forEach(([name, item]) => leaves(item, `${path}[${name}]`, found));
  return found;
}

/** Returns the items of a list with what each is called, so that one taken out moves no other. */
function namedItems(items: readonly Json[]): [string, Json][] {
  const taken = new Map<string, number>();
  return items.map((item, place) => {
    const { name, value, matcherType } = (item ?? {}) as { name?: Json; value?: Json; matcherType?: Json };
    const called = [name, value, matcherType].find((each) => typeof each === "string") ?? String(place + 1);
    const count = (taken.get(called) ?? 0) + 1;
    taken.set(called, count);
    return [count > 1 ? `${called} (${count})` : (called), item];
  });
}
