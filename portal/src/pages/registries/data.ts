import { body, client, type Schemas } from "../../api/client";
import { PAGE_LIMIT, usePages } from "../../api/pages";
import type { Counts } from "../../components/SeverityCounts";

export type Registry = Schemas["RegistryV1"];
export type Repository = Schemas["RepositoryV1"];
export type Image = Schemas["ImageV1"];

const REFRESH_MS = 15_000;

export const useRegistries = () =>
  usePages<Registry>({
    key: ["registries"],
    load: (cursor) => body(client.GET("/api/v1/registries", { params: { query: { limit: PAGE_LIMIT, cursor } } })),
    whole: true,
    refetchInterval: REFRESH_MS,
  });

export const useRepositories = (registry: string, search: string) =>
  usePages<Repository>({
    key: ["repositories", registry, search],
    load: (cursor) =>
      body(client.GET("/api/v1/repositories", { params: { query: { registry, search, limit: PAGE_LIMIT, cursor } } })),
    whole: true,
    refetchInterval: REFRESH_MS,
  });

export const useImages = (registry: string, repository: string, search: string) =>
  usePages<Image>({
    key: ["images", registry, repository, search],
    load: (cursor) =>
      body(
        client.GET("/api/v1/images", {
          params: { query: { registry, repository, search, limit: PAGE_LIMIT, cursor } },
        }),
      ),
    whole: true,
    refetchInterval: REFRESH_MS,
  });

const ORDER = ["critical", "high", "medium", "low", "unknown"] as const;

/** A number that sorts counts: one critical is worse than any count of high ones. */
export function badness(counts: Counts): number {
  return ORDER.reduce((sum, severity) => sum * 10_000 + Math.min(counts[severity] ?? 0, 9_999), 0);
}

/** The counts of the platform with the worst findings; null where nothing was scanned. */
export function worstCounts(reports: readonly { counts: Counts }[]): Counts | null {
  const [first, ...rest] = reports;
  if (!first) return null;
  return rest.reduce((worst, { counts }) => (badness(counts) > badness(worst) ? counts : worst), first.counts);
}
