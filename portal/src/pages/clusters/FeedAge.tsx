import { RelativeTime, StatusBadge } from "../../components";

interface Props {
  /** When the last batch came; empty: none did. */
  time: string | undefined;
  old: boolean;
}

/** How old what a cluster was fed of findings is; in words where that is wrong. */
export function FeedAge({ time, old }: Props) {
  if (!time) return <>none yet: gates ask registries</>;
  const age = <RelativeTime time={time} />;
  if (!old) return age;
  return (
    <StatusBadge tone="warning" title="A batch comes every minute; what was found since is asked of registries.">
      Stands still, {age}
    </StatusBadge>
  );
}
