import type { AdmissionEvent, ImageRow } from "./data";

const ORDER = { deny: 0, audit: 1, allow: 2 } as const;

/** Returns the image that decided the event: the first of the strictest. */
export function worstRow(event: AdmissionEvent): ImageRow | undefined {
  return event.images.toSorted((a, b) => ORDER[a.action] - ORDER[b.action])[0];
}
