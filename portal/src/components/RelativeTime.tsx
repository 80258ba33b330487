import { exactTime, relativeTime } from "../lib/format";
import { useNow } from "../lib/now";

/** A time as people say it; the exact one is its title. */
export function RelativeTime({ time, never = "never" }: { time: string | undefined; never?: string }) {
  const now = useNow();
  if (!time) return <span>{never}</span>;
  const moment = new Date(time);
  return (
    <time dateTime={time} title={`${exactTime(moment)} (${time})`}>
      {relativeTime(moment, now)}
    </time>
  );
}
