import { useSyncExternalStore } from "react";

const TICK_MS = 15_000;

let current = new Date();
let timer: number | undefined;
const listeners = new Set<() => void>();

function subscribe(listener: () => void) {
  if (listeners.size === 0) current = new Date();
  listeners.add(listener);
  timer ??= window.setInterval(() => {
    current = new Date();
    listeners.forEach((call) => call());
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      window.clearInterval(timer);
      timer = undefined;
    }
  };
}

/** The same moment until the next tick: a new one on each call would never settle. */
const snapshot = () => current;

/** The present, renewed every few seconds by one timer for the whole page. */
export const useNow = (): Date => useSyncExternalStore(subscribe, snapshot);
