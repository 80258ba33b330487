import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

import { body, client, type Schemas } from "../../api/client";
import { failureOf } from "../../api/query";
import type { RuleRecord } from "./form";
import type { Move } from "./order";

const KEY = ["rules"] as const;
const PAGE = 500;

/** All rules, highest priority first; the default rule is the last. */
export function useRules() {
  const pages = useInfiniteQuery({
    queryKey: KEY,
    queryFn: ({ pageParam }) =>
      body(client.GET("/api/v1/rules", { params: { query: { limit: PAGE, cursor: pageParam } } })),
    initialPageParam: "",
    getNextPageParam: (page) => page.next ?? undefined,
    refetchInterval: 30_000,
  });
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = pages;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const rules = pages.data?.pages.flatMap((page) => page.items) ?? [];
  return { ...pages, rules, error: failureOf(pages) };
}

export function useClusters() {
  return useQuery({
    queryKey: ["clusters"],
    queryFn: () => body(client.GET("/api/v1/clusters", { params: { query: { limit: 500 } } })),
  });
}

/** The rules as the policy object that they become in a cluster. */
export function usePolicyObject() {
  return useQuery({
    queryKey: [...KEY, "export"],
    queryFn: () => body(client.GET("/api/v1/rules/export")),
    staleTime: 0,
  });
}

function useChange<T, R>(mutationFn: (input: T) => Promise<R>) {
  const queries = useQueryClient();
  return useMutation({ mutationFn, onSettled: () => queries.invalidateQueries({ queryKey: KEY }) });
}

const at = (id: string) => ({ path: { rule_id: id } });

export const useCreateRule = () =>
  useChange((write: Schemas["RuleWriteV1"]) => body(client.POST("/api/v1/rules", { body: write })));

export interface Replacement {
  id: string;
  /** Of the rule as it was read; `*` replaces whatever is there. */
  etag: string;
  write: Schemas["RuleWriteV1"];
}

export const useReplaceRule = () =>
  useChange(({ id, etag, write }: Replacement) =>
    body(
      client.PUT("/api/v1/rules/{rule_id}", {
        params: { ...at(id), header: { "If-Match": etag === "*" ? "*" : `"${etag}"` } },
        body: write,
      }),
    ),
  );

export const useDuplicateRule = () =>
  useChange((id: string) => body(client.POST("/api/v1/rules/{rule_id}/duplicate", { params: at(id) })));

export const useDeleteRules = () =>
  useChange(async (records: readonly RuleRecord[]) => {
    for (const { id, etag } of records) {
      await client.DELETE("/api/v1/rules/{rule_id}", {
        params: { ...at(id), header: { "If-Match": `"${etag}"` } },
      });
    }
  });

export const useSwitchRules = () =>
  useChange(async ({ ids, enabled }: { ids: readonly string[]; enabled: boolean }) => {
    for (const id of ids) {
      if (enabled) await client.POST("/api/v1/rules/{rule_id}/enable", { params: at(id) });
      else await client.POST("/api/v1/rules/{rule_id}/disable", { params: at(id) });
    }
  });

export const useMoveRules = () =>
  useChange(async (moves: readonly Move[]) => {
    for (const { id, priority } of moves) {
      await client.POST("/api/v1/rules/{rule_id}/move", { params: at(id), body: { priority } });
    }
  });
