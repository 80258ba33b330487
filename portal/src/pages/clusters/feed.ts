/** A batch of the feed comes every minute, with findings or without; the hub and gates take it for old as late. */
const OLD_MS = 5 * 60_000;

/** Whether the feed stands still where its last batch came at `feedAt`; never where none did. */
export function isOld(feedAt: string | undefined, now: Date): boolean {
  const heard = Date.parse(feedAt ?? "");
  return now.getTime() - heard > OLD_MS;
}
