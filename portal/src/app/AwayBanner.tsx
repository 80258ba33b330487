import { Button, MessageBar, MessageBarActions, MessageBarBody, MessageBarTitle } from "@fluentui/react-components";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";

import { knock } from "../api/client";
import { useAway } from "../api/reach";
import styles from "./Shell.module.css";

const AGAIN_MS = 3_000;

/** Says above every page that the hub does not answer; forms keep what was typed. */
export function AwayBanner() {
  if (!useAway()) return null;
  return (
    <MessageBar intent="error" layout="multiline" role="alert" className={styles["away"] ?? ""}>
      <MessageBarBody>
        <MessageBarTitle>The hub does not answer</MessageBarTitle>
        What you see is from before, and nothing can be saved. The gates keep deciding by the rules they have. This page
        tries again by itself.
      </MessageBarBody>
      <MessageBarActions>
        <Button size="small" onClick={() => void knock()}>
          Try now
        </Button>
      </MessageBarActions>
    </MessageBar>
  );
}

/** Asks for the hub while it is away, and for everything that is shown once it is back. */
export function useReturn() {
  const away = useAway();
  const queries = useQueryClient();
  const wasAway = useRef(false);
  useEffect(() => {
    if (wasAway.current && !away) void queries.invalidateQueries();
    wasAway.current = away;
    if (!away) return;
    const timer = window.setInterval(() => void knock(), AGAIN_MS);
    return () => window.clearInterval(timer);
  }, [away, queries]);
}
