import { Button, Skeleton, SkeletonItem, Tab, TabList } from "@fluentui/react-components";
import { ArrowDownload20Regular } from "@fluentui/react-icons";
import { useMemo } from "react";

import { ApiError } from "../../api/client";
import { CodeBlock, Digest, ErrorState, Essentials, RelativeTime } from "../../components";
import { download } from "../../lib/download";
import { formatBytes, formatCount } from "../../lib/format";
import { useParam } from "../../lib/params";
import { useStatement, type ImageDetail, type Subject } from "./data";
import styles from "./image.module.css";
import { NothingYet } from "./NothingYet";
import { MAX_SHOWN_CHARS, pretty, readFacts, type StatementFacts } from "./statement";

const MEDIA_TYPE = "application/vnd.in-toto+json";

/** The in-toto statement: its facts, and the text pretty or exactly as it was signed. */
export function StatementTab({ image, subject, platform }: { image: ImageDetail; subject: Subject; platform: string }) {
  const { data, error, isPending, refetch } = useStatement(subject, platform);
  if (error instanceof ApiError && error.status === 404) return <NothingYet image={image} what="statement" />;
  if (error) return <ErrorState error={error} onRetry={() => void refetch()} />;
  if (isPending) {
    return (
      <Skeleton aria-label="Loading the statement">
        <SkeletonItem size={128} />
      </Skeleton>
    );
  }
  return <Statement text={data} name={`${image.repository.replaceAll("/", "_")}.intoto.json`} />;
}

function Statement({ text, name }: { text: string; name: string }) {
  const [form, setForm] = useParam("form", "pretty");
  const facts = useMemo(() => readFacts(text), [text]);
  const whole = useMemo(() => (form === "raw" ? text : pretty(text)), [form, text]);
  const cut = whole.length > MAX_SHOWN_CHARS;
  return (
    <div className={styles["fill"]}>
      {facts ? <Facts facts={facts} /> : null}
      <div className={styles["bar"]}>
        <TabList size="small" selectedValue={form === "raw" ? "raw" : "pretty"} onTabSelect={(_, data) => setForm(String(data.value))} aria-label="Form of the statement">
          <Tab value="pretty">Pretty</Tab>
          <Tab value="raw">As it was signed</Tab>
        </TabList>
        <div className={styles["buttons"]}>
          <span className={styles["muted"]}>{formatBytes(new Blob([text]).size)}</span>
          <Button size="small" icon={<ArrowDownload20Regular />} onClick={() => download(name, text, MEDIA_TYPE)}>
            Download
          </Button>
        </div>
      </div>
      <CodeBlock
        text={cut ? `${whole.slice(0, MAX_SHOWN_CHARS)}\n… cut here: download it to read the rest` : whole}
        label="statement"
        fill
      />
    </div>
  );
}

function Facts({ facts }: { facts: StatementFacts }) {
  return (
    <Essentials
      facts={[
        { name: "Subject", value: <Digest digest={facts.subject} /> },
        { name: "Predicate type", value: facts.predicateType },
        { name: "Scanner", value: facts.scanner || "not said" },
        { name: "Scanned", value: <RelativeTime time={facts.finishedAt || undefined} never="not said" /> },
        { name: "Advisories", value: facts.database || "not said" },
        { name: "Advisories of", value: <RelativeTime time={facts.databaseUpdated || undefined} never="not said" /> },
        { name: "Results", value: facts.results === null ? "not said" : formatCount(facts.results) },
      ]}
    />
  );
}
