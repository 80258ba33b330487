import { useInfiniteQuery, type QueryKey } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";

import { failureOf } from "./query";

interface Page<T> {
  items: T[];
  next?: string | null;
}

interface Options<T> {
  key: QueryKey;
  load: (cursor: string) => Promise<Page<T>>;
  /** True: everything is loaded, for lists that are sorted or grouped as a whole. */
  whole?: boolean;
  refetchInterval?: number | false;
  enabled?: boolean;
}

/** Most items that the hub sends at once. */
export const PAGE_LIMIT = 500;

/** Reads a list that the hub sends in pages. */
export function usePages<T>({ key, load, whole = false, refetchInterval = false, enabled = true }: Options<T>) {
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam }) => load(pageParam),
    initialPageParam: "",
    getNextPageParam: (page) => page.next || undefined,
    refetchInterval,
    enabled,
  });
  const { data, hasNextPage, isFetchingNextPage, fetchNextPage, isError } = query;
  useEffect(() => {
    if (whole && hasNextPage && !isFetchingNextPage && !isError) void fetchNextPage();
  }, [whole, hasNextPage, isFetchingNextPage, isError, fetchNextPage]);
  const items = useMemo(() => data?.pages.flatMap((page) => page.items) ?? [], [data]);
  const more = () => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  };
  return { items, more, hasMore: hasNextPage, isPending: query.isPending, isFetching: query.isFetching, error: failureOf(query), refetch: () => void query.refetch() };
}
