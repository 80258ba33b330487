import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";

import { ApiError } from "./client";

/** Returns the cache of answers; a 401 anywhere asks for the session again, which leads to sign-in. */
export function makeQueryClient(): QueryClient {
  const onError = (error: Error) => {
    if (error instanceof ApiError && error.status === 401) {
      void queries.invalidateQueries({ queryKey: ["session"] });
    }
  };
  const queries: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError: (error, query) => {
        if (query.queryKey[0] !== "session") onError(error);
      },
    }),
    mutationCache: new MutationCache({ onError }),
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        retry: (count, error) => count < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
      },
    },
  });
  return queries;
}

/** Returns what a page tells of a failure; while the hub is away, a page keeps what it has. */
export function failureOf({ data, error }: { data: unknown; error: Error | null }): Error | null {
  return data !== undefined && error instanceof ApiError && error.isAway ? null : error;
}
