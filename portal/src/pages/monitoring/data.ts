import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";

import { body, client, renderQuery, type Schemas } from "../../api/client";
import { failureOf } from "../../api/query";
import { boundsOf, type Span } from "../../lib/span";
import type { Filters, Origin } from "./filters";

export type AdmissionEvent = Schemas["AdmissionEventV1"];
export type ImageRow = Schemas["ImageRowV1"];
/** What a line of the list shows: an event, or the latest of a group of retries. */
export type Entry = Schemas["EventGroupV1"];

interface Asked {
  filters: Filters;
  span: Span;
  grouped: boolean;
}

const FIRST_PAGE = 100;
/** Who goes on down wants many more: the most that the hub sends at once. */
const NEXT_PAGES = 500;
/** With more pages than this a refresh would be felt; then new events wait behind a button. */
const LIVE_PAGES = 2;
const GATHER_MS = 250;
/** After an answer that was none of the hub's, the browser itself gives the stream up. */
const REOPEN_MS = 5_000;

export const keyOf = ({ event }: Entry): string => `${event.cluster ?? ""}/${event.id}`;

/** The events that match, newest first, kept up to date as they come. */
export function useEvents(asked: Asked) {
  const key = ["events", asked];
  const pages = useInfiniteQuery({
    queryKey: key,
    queryFn: async ({ pageParam }) => {
      const page = await body(
        client.GET("/api/v1/events", {
          params: {
            query: {
              ...asked.filters,
              action: asked.filters.action as "" | "allow" | "audit" | "deny" | undefined,
              origin: asked.filters.origin as "" | Origin | undefined,
              ...boundsOf(asked.span, new Date()),
              grouped: asked.grouped,
              cursor: pageParam,
              limit: pageParam ? NEXT_PAGES : FIRST_PAGE,
            },
          },
        }),
      );
      return { items: page.items.map(entryOf), next: page.next };
    },
    initialPageParam: "",
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
  });
  const count = pages.data?.pages.length ?? 0;
  const live = useLive(asked.filters, count <= LIVE_PAGES, key);
  const entries = useMemo(() => pages.data?.pages.flatMap((page) => page.items) ?? [], [pages.data]);
  return { ...pages, entries, error: failureOf(pages), live };
}

function entryOf(item: AdmissionEvent | Entry): Entry {
  return "event" in item ? item : { event: item, count: 1, firstAt: item.time, lastAt: item.time };
}

/** Listens to the stream of events; says whether it flows and how many wait to be shown. */
function useLive(filters: Filters, atOnce: boolean, key: readonly unknown[]) {
  const queries = useQueryClient();
  const [connected, setConnected] = useState(false);
  const [waiting, setWaiting] = useState(0);
  const query = renderQuery(filters);
  const keyText = JSON.stringify(key);
  useEffect(() => {
    let timer = 0;
    let reopening = 0;
    let missed = false;
    let source: EventSource;
    const refresh = () => {
      timer = 0;
      void queries.invalidateQueries({ queryKey: JSON.parse(keyText) as unknown[] });
    };
    const listen = () => {
      source = new EventSource(`/api/v1/events/tail${query}`);
      source.addEventListener("open", () => {
        setConnected(true);
        if (missed) refresh();
        missed = false;
      });
      source.addEventListener("error", () => {
        setConnected(false);
        missed = true;
        if (source.readyState === EventSource.CLOSED) reopening = window.setTimeout(listen, REOPEN_MS);
      });
      source.addEventListener("admission", () => {
        if (!atOnce) setWaiting((before) => before + 1);
        else timer ||= window.setTimeout(refresh, GATHER_MS);
      });
    };
    listen();
    return () => {
      source.close();
      window.clearTimeout(timer);
      window.clearTimeout(reopening);
    };
  }, [query, atOnce, keyText, queries]);
  const show = () => {
    setWaiting(0);
    void queries.resetQueries({ queryKey: key });
  };
  return { connected, waiting, show };
}

export function useEvent(id: string, cluster: string, known: AdmissionEvent | undefined) {
  return useQuery({
    queryKey: ["event", cluster, id],
    queryFn: () =>
      body(client.GET("/api/v1/events/{event_id}", { params: { path: { event_id: id }, query: { cluster } } })),
    initialData: known,
    staleTime: Infinity,
  });
}

/** Returns where the browser fetches a file of all that the list shows. */
export const exportUrl = ({ filters, span }: Asked, format: "csv" | "jsonl"): string =>
  `/api/v1/events/export${renderQuery({ ...filters, ...boundsOf(span, new Date()), format })}`;
