import type { Schemas } from "../../api/client";
import type { CloudScope } from "./form";

type Cluster = Schemas["ClusterV1"];

/** Whether a rule with this cloud scope reaches the cluster: all lists that are given must match. */
export function reaches(scope: CloudScope, cluster: Cluster): boolean {
  const labels = Object.entries(cluster.labels).map(([key, value]) => `${key}=${value}`);
  return (
    matches(scope.providers, [cluster.provider]) &&
    matches(scope.accounts, [cluster.account]) &&
    matches(scope.clusters, [cluster.name]) &&
    matches(scope.labels, labels)
  );
}

function matches(wanted: readonly string[] | undefined, found: readonly string[]): boolean {
  return !wanted?.length || wanted.some((glob) => found.some((value) => globMatches(glob, value)));
}

/** Whether the whole of `value` matches; `*` is any run of characters, nothing else is special. */
export function globMatches(glob: string, value: string): boolean {
  const [first = "", ...rest] = glob.split("*");
  const last = rest.pop();
  if (last === undefined) return glob === value;
  if (!value.startsWith(first) || !value.endsWith(last) || value.length < first.length + last.length) return false;
  let place = first.length;
  const end = value.length - last.length;
  for (const part of rest) {
    const at = value.indexOf(part, place);
    if (at < 0 || at + part.length > end) return false;
    place = at + part.length;
  }
  return true;
}
