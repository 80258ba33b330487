import { keepPreviousData, useQuery } from "@tanstack/react-query";

import { body, client, type Schemas } from "../../api/client";
import type { Column } from "./chart";

export type Overview = Schemas["OverviewV1"];

const REFRESH_MS = 15_000;

export const RANGES = [
  { hours: 24, text: "24 hours" },
  { hours: 168, text: "7 days" },
  { hours: 720, text: "30 days" },
] as const;

export function useOverview(hours: number) {
  return useQuery({
    queryKey: ["overview", hours],
    queryFn: () => body(client.GET("/api/v1/overview", { params: { query: { hours } } })),
    refetchInterval: REFRESH_MS,
    placeholderData: keepPreviousData,
  });
}

/** The buckets as columns of the chart, in the order of its series. */
export const columnsOf = (overview: Overview): Column[] =>
  overview.buckets.map(({ start, denied, audited, allowed, unscanned }) => ({
    start: new Date(start),
    parts: [denied, audited, allowed],
    line: unscanned,
  }));

export type Totals = Record<"denied" | "audited" | "allowed" | "unscanned", number>;

export function totalsOf(overview: Overview): Totals {
  const totals: Totals = { denied: 0, audited: 0, allowed: 0, unscanned: 0 };
  for (const bucket of overview.buckets) {
    totals.denied += bucket.denied;
    totals.audited += bucket.audited;
    totals.allowed += bucket.allowed;
    totals.unscanned += bucket.unscanned;
  }
  return totals;
}

/** The problems of each cluster, in the hub's order. */
export function problemsByCluster(clusters: Overview["clusters"]): [string, string[]][] {
  const found = new Map<string, string[]>();
  for (const { name, problem } of clusters) found.set(name, [...(found.get(name) ?? []), problem]);
  return [...found];
}
