import { useSyncExternalStore } from "react";

let away = false;
const listeners = new Set<() => void>();

/** Notes whether the hub answered what it was asked last. */
export function noteAnswer(answered: boolean) {
  if (away === !answered) return;
  away = !answered;
  listeners.forEach((call) => call());
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const snapshot = () => away;

/** Whether the hub gave no answer when it was asked last. */
export const useAway = (): boolean => useSyncExternalStore(subscribe, snapshot);
