/** The order of rules as it is staged: what was dragged where, until it is saved. */

export interface Placed {
  id: string;
  isDefault: boolean;
}

/** Returns `ids` with `id` moved to where `over` is. */
export function moveTo(ids: readonly string[], id: string, over: string): string[] {
  const to = ids.indexOf(over);
  const rest = ids.filter((other) => other !== id);
  if (to < 0 || rest.length === ids.length) return [...ids];
  rest.splice(to, 0, id);
  return rest;
}

/**
 * Returns the staged order, fitted to the rules that there are now: what is new stands where the
 * hub put it, what is gone is left out, and the default rule stays last.
 */
export function fitOrder(staged: readonly string[], rules: readonly Placed[]): string[] {
  const movable = rules.filter((rule) => !rule.isDefault).map((rule) => rule.id);
  const kept = staged.filter((id) => movable.includes(id));
  movable.forEach((id, place) => {
    if (!kept.includes(id)) kept.splice(Math.min(place, kept.length), 0, id);
  });
  return [...kept, ...rules.filter((rule) => rule.isDefault).map((rule) => rule.id)];
}

export interface Move {
  id: string;
  /** 1 is first. */
  priority: number;
}

/**
 * Returns the moves that lead from one order to another, to be made one after the other. Rules
 * that keep their order among each other (a longest such run) are not moved.
 */
export function movesBetween(before: readonly string[], after: readonly string[]): Move[] {
  const still = longestIncreasing(after.map((id) => before.indexOf(id))).map((place) => before[place]);
  const kept = new Set(still);
  const moves: Move[] = [];
  const now = [...before];
  after.forEach((id, place) => {
    if (kept.has(id)) return;
    const from = now.indexOf(id);
    now.splice(from, 1);
    const previous = place ? now.indexOf(after[place - 1] ?? "") : -1;
    now.splice(previous + 1, 0, id);
    moves.push({ id, priority: previous + 2 });
  });
  return moves;
}

function longestIncreasing(values: readonly number[]): number[] {
  const best: number[][] = [];
  let longest: number[] = [];
  values.forEach((value, place) => {
    let run: number[] = [];
    for (let earlier = 0; earlier < place; earlier += 1) {
      const candidate = best[earlier] ?? [];
      if ((candidate.at(-1) ?? Infinity) < value && candidate.length > run.length) run = candidate;
    }
    const own = [...run, value];
    best.push(own);
    if (own.length > longest.length) longest = own;
  });
  return longest;
}
