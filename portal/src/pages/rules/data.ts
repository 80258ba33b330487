import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

import { body, client, type Schemas } from "../../api/client";
import { failureOf } from "../../api/query";
import type { RuleRecord } from "./form";

const KEY = ["rules"] as const;
const PAGE = 500;

/** All rules, highest priority first; the default rule is the last. */
export function useRules() {
  const pages = useInfiniteQuery({
    queryKey: KEY,
    queryFn: async ({ pageParam }) => {
      // Before the rules: an order that is newer than its version costs a conflict, never a change.
      const etag = pageParam ? "" : await readOrderEtag();
      const page = await body(client.GET("/api/v1/rules", { params: { query: { limit: PAGE, cursor: pageParam } } }));
      return { ...page, etag };
    },
    initialPageParam: "",
    getNextPageParam: (page) => page.next ?? undefined,
    refetchInterval: 30_000,
  });
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = pages;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const rules = pages.data?.pages.flatMap((page) => page.items) ?? [];
  return { ...pages, rules, error: failureOf(pages), orderEtag: pages.data?.pages[0]?.etag ?? "" };
}

/** The version of the order of all rules, which a save of another order is based on. */
async function readOrderEtag(): Promise<string> {
  const { response } = await client.GET("/api/v1/rules/order");
  return response.headers.get("ETag") ?? "";
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

/** The same, when it is asked for. */
export const useExport = () => useMutation({ mutationFn: () => body(client.GET("/api/v1/rules/export")) });

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

/** All rules in an order; the version that it is based on, `*` for whatever is there. */
export interface Order {
  ids: readonly string[];
  etag: string;
}

export const useSaveOrder = () =>
  useChange(({ ids, etag }: Order) =>
    body(client.PUT("/api/v1/rules/order", { params: { header: { "If-Match": etag } }, body: { ids: [...ids] } })),
  );

export type Import = Schemas["RuleImportV1"];
export type ImportedRule = Schemas["ImportedRuleV1"];

/** What would become of the rules of a file; nothing is saved. */
export const usePreview = () =>
  useMutation({ mutationFn: (content: string) => body(client.POST("/api/v1/rules/import", { body: { content, dryRun: true } })) });

export const useImport = () => useChange((write: Import) => body(client.POST("/api/v1/rules/import", { body: write })));
