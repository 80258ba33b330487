import { useEffect, useRef } from "react";
import { useBlocker } from "react-router";

/** Asks before leaving while there is something to lose, by a link, the back button or a closed tab. */
export function useLeaveGuard(hasChanges: () => boolean) {
  const blocker = useBlocker(({ currentLocation, nextLocation }) => {
    return hasChanges() && currentLocation.pathname !== nextLocation.pathname;
  });
  const ask = useRef(hasChanges);
  useEffect(() => {
    ask.current = hasChanges;
  });
  useEffect(() => {
    const warn = (event: BeforeUnloadEvent) => {
      if (ask.current()) event.preventDefault();
    };
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, []);
  return {
    asking: blocker.state === "blocked",
    leave: () => blocker.proceed?.(),
    stay: () => blocker.reset?.(),
  };
}
