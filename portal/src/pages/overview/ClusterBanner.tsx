import { MessageBar, MessageBarBody, MessageBarTitle } from "@fluentui/react-components";
import { Link } from "react-router";

import { useAlarms } from "../../app/alarms";
import { plural } from "../../lib/format";
import { problemsByCluster, type Overview } from "./data";
import styles from "./overview.module.css";

/** More would push everything else out of sight. */
const SHOWN = 4;

/** Clusters that may not be enforcing what the hub wants, before anything else; alarms first. */
export function ClusterBanner({ clusters }: { clusters: Overview["clusters"] }) {
  const alarming = new Set(useAlarms().data?.items.map(({ cluster }) => cluster));
  const found = problemsByCluster(clusters).sort(([a], [b]) => Number(alarming.has(b)) - Number(alarming.has(a)));
  if (found.length === 0) return null;
  return (
    <div className={styles["stack"]}>
      {found.slice(0, SHOWN).map(([name, problems]) => (
        <MessageBar key={name} intent={alarming.has(name) ? "error" : "warning"} layout="multiline">
          <MessageBarBody>
            <MessageBarTitle>
              Cluster{" "}
              <Link className={styles["link"]} to={`/clusters/${encodeURIComponent(name)}`}>
                {name}
              </Link>
              {alarming.has(name) ? " may not be gated" : null}
            </MessageBarTitle>
            {problems.length === 1 ? (
              problems[0]
            ) : (
              <ul className={styles["problems"]}>
                {problems.map((problem) => (
                  <li key={problem}>{problem}</li>
                ))}
              </ul>
            )}
          </MessageBarBody>
        </MessageBar>
      ))}
      {found.length > SHOWN ? (
        <Link className={styles["link"]} to="/clusters">
          and {plural(found.length - SHOWN, "more cluster")}
        </Link>
      ) : null}
    </div>
  );
}
