import { MessageBar, MessageBarBody, MessageBarTitle } from "@fluentui/react-components";
import { Link, useLocation } from "react-router";

import { useAlarms } from "./alarms";
import { headline } from "./headline";
import styles from "./Shell.module.css";

/** Says above every page that a cluster may not be gated, with the way to it. */
export function AlarmBanner() {
  const { data } = useAlarms();
  const { pathname } = useLocation();
  const first = data ? headline(data) : undefined;
  // Where the cluster's own page or the overview says it all, once is enough.
  if (!first || pathname === "/" || pathname === "/overview") return null;
  const there = `/clusters/${encodeURIComponent(first.cluster)}`;
  return (
    <MessageBar intent="error" layout="multiline" role="alert" className={styles["away"] ?? ""}>
      <MessageBarBody>
        <MessageBarTitle>{first.title}</MessageBarTitle>
        {first.text}{" "}
        <Link className={styles["bannerLink"]} to={there}>
          Show what is wrong
        </Link>
        {first.more ? (
          <>
            {" "}
            <Link className={styles["bannerLink"]} to="/clusters">
              {first.more}
            </Link>
          </>
        ) : null}
      </MessageBarBody>
    </MessageBar>
  );
}
