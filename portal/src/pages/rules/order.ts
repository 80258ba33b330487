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

/** An order that is not saved yet, and what it was made from. */
export interface Staged {
  ids: readonly string[];
  /** The saved order at the first move, and the version that the hub called it. */
  base: readonly string[];
  etag: string;
}

/**
 * Returns the version that a save is based on. While those rules that were there at the first move
 * still stand in their order, what is new or gone disturbs nobody: the page shows it already. Else
 * somebody ordered them meanwhile, and the version of then lets the hub say who.
 */
export function basisOf({ base, etag }: Staged, saved: readonly string[], current: string): string {
  const before = base.filter((id) => saved.includes(id));
  const now = saved.filter((id) => base.includes(id));
  return before.join() === now.join() ? current : etag;
}
