import { Skeleton, SkeletonItem, Tab, TabList } from "@fluentui/react-components";
import { useMemo } from "react";
import { Link } from "react-router";

import { ErrorState, Page, PageHeader } from "../../components";
import { formatCount } from "../../lib/format";
import { useParam } from "../../lib/params";
import { BreakGlass } from "./BreakGlass";
import { ClusterBanner } from "./ClusterBanner";
import { columnsOf, RANGES, totalsOf, useOverview, type Overview } from "./data";
import { Feeds } from "./Feeds";
import { totalLink } from "./links";
import { ExpiringExemptions, RiskiestImages, TopRules } from "./Lists";
import styles from "./overview.module.css";
import { Legend, VerdictChart } from "./VerdictChart";

export function Component() {
  const [range, setRange] = useParam("hours", "24");
  const hours = RANGES.find((each) => String(each.hours) === range)?.hours ?? 24;
  const { data, error, isPending, refetch } = useOverview(hours);
  return (
    <Page>
      <PageHeader
        title="Overview"
        description="What was decided, what runs, and what needs attention."
        actions={
          <TabList size="small" selectedValue={String(hours)} onTabSelect={(_, tab) => setRange(String(tab.value))} aria-label="Time range">
            {RANGES.map((each) => (
              <Tab key={each.hours} value={String(each.hours)}>
                {each.text}
              </Tab>
            ))}
          </TabList>
        }
      />
      {isPending ? <Loading /> : null}
      {error && !data ? <ErrorState error={error} onRetry={() => void refetch()} /> : null}
      {data ? <Loaded overview={data} hours={hours} /> : null}
    </Page>
  );
}

function Loaded({ overview, hours }: { overview: Overview; hours: number }) {
  const columns = useMemo(() => columnsOf(overview), [overview]);
  return (
    <div className={styles["scroller"]}>
      <div className={styles["content"]}>
        <ClusterBanner clusters={overview.clusters} />
        <BreakGlass objects={overview.breakGlass ?? []} count={overview.breakGlassCount ?? 0} />
        <Tiles overview={overview} hours={hours} />
        <section className={styles["card"]} aria-labelledby="verdicts">
          <div className={styles["cardHead"]}>
            <h2 id="verdicts" className={styles["cardTitle"]}>
              Verdicts over time
            </h2>
            <Legend />
          </div>
          <VerdictChart columns={columns} bucketS={overview.bucketS} />
        </section>
        <div className={styles["columns"]}>
          <div className={styles["side"]}>
            <RiskiestImages images={overview.riskiestImages} />
            <Feeds feeds={overview.feeds ?? []} />
          </div>
          <div className={styles["side"]}>
            <TopRules rules={overview.topRules} />
            <ExpiringExemptions exemptions={overview.expiringExemptions} />
          </div>
        </div>
      </div>
    </div>
  );
}

function Tiles({ overview, hours }: { overview: Overview; hours: number }) {
  const totals = totalsOf(overview);
  const all = totals.denied + totals.audited + totals.allowed;
  const share = (count: number) => (all ? `${((100 * count) / all).toFixed(count && count < all / 100 ? 1 : 0)} % of all` : "no review yet");
  return (
    <div className={styles["tiles"]}>
      <Tile name="Denied" count={totals.denied} note={share(totals.denied)} to={totalLink(hours, "deny")} />
      <Tile name="Audited" count={totals.audited} note={share(totals.audited)} to={totalLink(hours, "audit")} />
      <Tile name="Allowed" count={totals.allowed} note={share(totals.allowed)} to={totalLink(hours, "allow")} />
      <Tile name="With an unscanned image" count={totals.unscanned} note={share(totals.unscanned)} />
    </div>
  );
}

interface TileProps {
  name: string;
  count: number;
  note: string;
  /** Where what is counted stands. */
  to?: string;
}

function Tile({ name, count, note, to }: TileProps) {
  const lines = (
    <>
      <span className={styles["tileName"]}>{name}</span>
      <span className={styles["tileNumber"]}>{formatCount(count)}</span>
      <span className={styles["tileNote"]}>{note}</span>
    </>
  );
  return to ? (
    <Link to={to} className={`${styles["tile"]} ${styles["tileLink"]}`}>
      {lines}
    </Link>
  ) : (
    <div className={styles["tile"]}>{lines}</div>
  );
}

const TILES = 4;

function Loading() {
  return (
    <Skeleton aria-label="Loading the overview" className={styles["content"] ?? ""}>
      <div className={styles["tiles"]}>
        {Array.from({ length: TILES }, (_, place) => (
          <SkeletonItem key={place} size={96} />
        ))}
      </div>
      <SkeletonItem size={128} />
      <SkeletonItem size={128} />
    </Skeleton>
  );
}
