import { useQuery } from "@tanstack/react-query";

import { body, client, type Schemas } from "../../api/client";
import { usePages } from "../../api/pages";
import { boundsOf, type Span } from "../../lib/span";

export type Entry = Schemas["AuditEntryV1"];

const PAGE = 100;
const REFRESH_MS = 30_000;

export interface Asked {
  search: string;
  actor: string;
  action: string;
  object: string;
  span: Span;
}

/** The changes that match, newest first; the hub searches all of the log. */
export const useChanges = ({ span, ...asked }: Asked) =>
  usePages<Entry>({
    key: ["audit", asked, span],
    load: (cursor) =>
      body(client.GET("/api/v1/audit", { params: { query: { ...asked, ...boundsOf(span, new Date()), cursor, limit: PAGE } } })),
    refetchInterval: REFRESH_MS,
  });

export function useEntry(id: string, known: Entry | undefined) {
  return useQuery({
    queryKey: ["audit", "entry", id],
    queryFn: () => body(client.GET("/api/v1/audit/{entry_id}", { params: { path: { entry_id: id } } })),
    initialData: known,
    staleTime: Infinity,
  });
}
