import { useEffect, useRef } from "react";
import { useRouteError } from "react-router";

import { knock } from "../api/client";
import { useAway } from "../api/reach";
import { ErrorState } from "../components/States";

/** What is shown when a page itself fails; a reload also fetches a page that a new version replaced. */
export function RouteError() {
  const thrown = useRouteError();
  const away = useAway();
  const wasAway = useRef(false);
  useEffect(() => void knock(), []);
  useEffect(() => {
    if (wasAway.current && !away) location.reload();
    wasAway.current = away;
  }, [away]);
  return <ErrorState error={worded(thrown)} onRetry={() => location.reload()} />;
}

function worded(thrown: unknown): Error {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  // Browsers say it each in their own way, and name a file that means nothing to people.
  const isFetch = /preload css|imported module|importing a module/i.test(error.message);
  return isFetch ? new Error("This page could not be fetched from the hub.") : error;
}
