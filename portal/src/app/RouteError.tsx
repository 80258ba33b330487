import { useEffect } from "react";
import { useRouteError } from "react-router";

import { knock } from "../api/client";
import { ErrorState } from "../components/States";

const AGAIN_MS = 3_000;
/** A page that a reload does not bring must not be reloaded for ever. */
const RELOAD_PAUSE_MS = 30_000;

/** What is shown when a page itself fails; one that could not be fetched comes by itself when it can be. */
export function RouteError() {
  const thrown = useRouteError();
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const unfetched = isUnfetched(error);
  useEffect(() => {
    if (!unfetched) return;
    // Browsers keep the failure of a module until the page is loaded anew; that also brings the
    // files of a newer version, whose names are others.
    const retry = async () => {
      if ((await knock()) && mayReload()) location.reload();
    };
    void retry();
    const timer = window.setInterval(() => void retry(), AGAIN_MS);
    return () => window.clearInterval(timer);
  }, [unfetched]);
  return (
    <ErrorState
      error={unfetched ? new Error("This page could not be fetched from the hub.") : error}
      onRetry={() => location.reload()}
    />
  );
}

/** Whether the files of a page could not be had; Vite and each browser say it in their own way. */
const isUnfetched = ({ message }: Error): boolean => /preload css|imported module|importing a module/i.test(message);

function mayReload(): boolean {
  const key = `tidegate.reloaded:${location.pathname}`;
  const before = Number(sessionStorage.getItem(key) ?? 0);
  if (Date.now() - before < RELOAD_PAUSE_MS) return false;
  sessionStorage.setItem(key, String(Date.now()));
  return true;
}
