import type { Referrer } from "./data";

export interface ReferrerFilter {
  search: string;
  /** "" all, else artifact, signature or other. */
  kind: string;
  /** "" all, "-" not verified, else the name of the key that verified it. */
  verified: string;
}

export interface ReferrerRow {
  referrer: Referrer;
  depth: number;
  /** Digests from the root to it: the same manifest may stand in two places. */
  path: string;
  hasChildren: boolean;
  open: boolean;
}

/** Returns the visible rows of the tree. With a filter, what matches is shown with all that leads to it. */
export function treeRows(referrers: readonly Referrer[], filter: ReferrerFilter, closed: ReadonlySet<string>): ReferrerRow[] {
  const filtering = filter.search !== "" || filter.kind !== "" || filter.verified !== "";
  const walk = (nodes: readonly Referrer[], depth: number, parent: string): ReferrerRow[] =>
    nodes.flatMap((referrer) => {
      const path = `${parent}/${referrer.digest}`;
      const open = !closed.has(path);
      const below = walk(referrer.referrers ?? [], depth + 1, path);
      if (filtering && below.length === 0 && !matches(referrer, filter)) return [];
      const row = { referrer, depth, path, hasChildren: below.length > 0, open };
      return [row, ...(open ? below : [])];
    });
  return walk(referrers, 1, "");
}

/** Returns the names of all keys that verified something in the tree. */
export function keysIn(referrers: readonly Referrer[]): string[] {
  const names = new Set<string>();
  const walk = (nodes: readonly Referrer[]) => {
    for (const node of nodes) {
      for (const name of node.verifiedBy ?? []) names.add(name);
      walk(node.referrers ?? []);
    }
  };
  walk(referrers);
  return [...names].sort();
}

export function countReferrers(referrers: readonly Referrer[]): number {
  return referrers.reduce((sum, { referrers: below }) => sum + 1 + countReferrers(below ?? []), 0);
}

function matches(referrer: Referrer, filter: ReferrerFilter): boolean {
  const search = filter.search.trim().toLowerCase();
  const keys = referrer.verifiedBy ?? [];
  return (
    (filter.kind === "" || referrer.kind === filter.kind) &&
    (filter.verified === "" || (filter.verified === "-" ? keys.length === 0 : keys.includes(filter.verified))) &&
    (search === "" || `${referrer.digest}\n${referrer.artifactType}`.toLowerCase().includes(search))
  );
}

export interface Layer {
  mediaType: string;
  digest: string;
  size: number;
}

/** Returns the layers that a manifest names; none where it is no manifest. Others wrote it: nothing is taken for granted. */
export function layersOf(manifest: string): Layer[] {
  const found = field(parse(manifest), "layers");
  if (!Array.isArray(found)) return [];
  return found.flatMap((layer: unknown) => {
    const digest = field(layer, "digest");
    const mediaType = field(layer, "mediaType");
    const size = field(layer, "size");
    if (typeof digest !== "string" || typeof mediaType !== "string") return [];
    return [{ mediaType, digest, size: typeof size === "number" ? size : 0 }];
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const field = (value: unknown, name: string): unknown =>
  value && typeof value === "object" ? (value as Record<string, unknown>)[name] : undefined;
