import { Button, MessageBar, MessageBarBody, MessageBarTitle, ProgressBar } from "@fluentui/react-components";
import { Delete20Regular, Edit20Regular, PlugConnected20Regular } from "@fluentui/react-icons";
import { useState } from "react";
import { Link } from "react-router";

import { useMayWrite } from "../../../api/session";
import { useTell } from "../../../app/toasts";
import { CodeBlock, ConfirmDialog, Essentials, DetailPanel, RelativeTime, Section, StatusBadge, type Fact } from "../../../components";
import { formatCount, plural, shortDigest } from "../../../lib/format";
import { registryLink } from "../../registries/links";
import { Badge } from "./Badge";
import { useRegistry, useRemoveRegistry, useTestRegistry, type Worker } from "./data";
import styles from "./registries.module.css";
import { canOpen, durationWords, pollWords, testWords, type Configured, type Row } from "./words";

interface Props {
  row: Row;
  workers: readonly Worker[];
  onEdit: () => void;
  onClose: () => void;
}

/** All about one registry: what a test found, how looking through it goes, who can open its credentials. */
export function RegistryPanel({ row, workers, onEdit, onClose }: Props) {
  const { data } = useRegistry(row.host, row.record);
  const mayWrite = useMayWrite();
  const record = row.record ? (data ?? row.record) : undefined;
  const present = workers.filter((worker) => worker.present);
  return (
    <DetailPanel
      title={row.host}
      subtitle={record ? `Configured here by ${record.updatedBy}` : "Named by a worker’s own file"}
      onClose={onClose}
      footer={record && mayWrite ? <Actions record={record} onEdit={onEdit} onGone={onClose} /> : undefined}
    >
      {record ? (
        <>
          <Outcome record={record} row={row} />
          <Section title="What the test found">
            <Essentials facts={testFacts(record)} columns={1} />
          </Section>
          <Section title="New images">
            <Essentials facts={pollFacts(record)} columns={1} />
          </Section>
          <Section title="Credentials">
            <Credentials record={record} workers={present} />
          </Section>
          <Section title="Connection">
            <Essentials facts={connectionFacts(record)} columns={1} />
            {record.connection.ca ? (
              <div className={styles["pem"]}>
                <CodeBlock text={record.connection.ca} label="certificate authorities" />
              </div>
            ) : null}
          </Section>
        </>
      ) : (
        <InFile workers={row.workers} />
      )}
      <p className={styles["foot"]}>
        <Link className={styles["link"]} to={registryLink(row.host)}>
          Its repositories
        </Link>
      </p>
    </DetailPanel>
  );
}

function Outcome({ record, row }: { record: Configured; row: Row }) {
  const { test, testing, poll } = record;
  if (testing) {
    return (
      <div className={styles["testing"]} role="status">
        <span>{row.workers.length ? "A worker is testing it" : "It is tested as soon as a scan worker may contact it"}</span>
        <ProgressBar aria-label="Being tested" />
      </div>
    );
  }
  if (test && !test.reachable) {
    return (
      <MessageBar intent="error" layout="multiline" role="alert">
        <MessageBarBody>
          <MessageBarTitle>The test failed</MessageBarTitle>
          {test.error || "The worker gave no reason."}
        </MessageBarBody>
      </MessageBar>
    );
  }
  if (record.polling.enabled && poll?.failures) {
    return (
      <MessageBar intent="warning" layout="multiline">
        <MessageBarBody>
          <MessageBarTitle>Looking through it failed {poll.failures === 1 ? "once" : `${poll.failures} times in a row`}</MessageBarTitle>
          {poll.error}
        </MessageBarBody>
      </MessageBar>
    );
  }
  if (test?.referrers !== "tag") return null;
  return (
    <MessageBar intent="warning" layout="multiline">
      <MessageBarBody>
        <MessageBarTitle>No referrers API</MessageBarTitle>
        Findings are listed under a tag there, and whoever may push can hide them by another one.
      </MessageBarBody>
    </MessageBar>
  );
}

const SAID = { yes: "yes", no: "no", "": "not tried: no test repository is named" } as const;

function testFacts(record: Configured): Fact[] {
  const { test } = record;
  const state = { name: "State", value: <Badge said={testWords({ ...record, testing: false }, [])} /> };
  if (!test) return [state];
  const tested = {
    name: "Tested",
    value: (
      <>
        <RelativeTime time={test.checkedAt} /> by {test.worker}
      </>
    ),
  };
  if (!test.reachable) return [state, tested];
  return [
    state,
    tested,
    { name: "Referrers", value: test.referrers === "api" ? "by the API" : "by the fallback tag" },
    { name: "Lists repositories", value: test.catalogue ? "yes" : "no" },
    { name: "Findings attach", value: SAID[test.push ?? ""] },
    { name: "Old reports go", value: test.delete ? SAID[test.delete] : "it does not say" },
  ];
}

function pollFacts(record: Configured): Fact[] {
  const { polling, poll = {} } = record;
  const state = { name: "State", value: <Badge said={pollWords(record)} /> };
  if (!polling.enabled) return [state, { name: "Found", value: "by notifications of pushes, or when a scan is asked for" }];
  const repositories = polling.repositories ?? [];
  return [
    state,
    { name: "Where", value: repositories.length ? <Several values={repositories} /> : "all repositories that it lists" },
    { name: "How often", value: `every ${durationWords(polling.intervalS ?? 300)}, ${formatCount(polling.requestsPerMinute ?? 120)} requests a minute at most` },
    { name: "Last whole look", value: <RelativeTime time={poll.lastCompleteAt || undefined} never="not yet" /> },
    { name: "Last look ended", value: <RelativeTime time={poll.lastEndedAt || undefined} never="not yet" /> },
    { name: "Now", value: poll.worker ? `${poll.worker} is looking` : "waiting" },
    { name: "Next", value: <RelativeTime time={poll.nextAt || undefined} never="not planned" /> },
    { name: "Seen", value: `${plural(poll.tags ?? 0, "tag")}, ${formatCount(poll.found ?? 0)} of them new` },
  ];
}

function Credentials({ record, workers }: { record: Configured; workers: readonly Worker[] }) {
  const keys = record.credentialsFor;
  if (keys.length === 0) return <p className={styles["muted"]}>None: it is asked anonymously.</p>;
  const gone = keys.filter((key) => !workers.some((worker) => worker.sealingFingerprint === key));
  return (
    <>
      <p className={styles["muted"]}>Sealed for {plural(keys.length, "worker key")}; the hub cannot read them.</p>
      <table className={styles["keys"]}>
        <thead>
          <tr>
            <th scope="col">Worker</th>
            <th scope="col">Its key</th>
            <th scope="col">Can open them</th>
          </tr>
        </thead>
        <tbody>
          {workers.map((worker) => (
            <tr key={worker.name}>
              <td>{worker.name}</td>
              <td className={styles["mono"]} title={worker.sealingFingerprint}>
                {worker.sealingFingerprint ? shortDigest(`sha256:${worker.sealingFingerprint}`) : "none"}
              </td>
              <td>
                {canOpen(record, worker) ? (
                  <StatusBadge tone="good">Yes</StatusBadge>
                ) : (
                  <StatusBadge tone="warning" title="Its key is not among those that they were sealed for: enter them again">
                    No, enter them again
                  </StatusBadge>
                )}
              </td>
            </tr>
          ))}
          {gone.map((key) => (
            <tr key={key}>
              <td className={styles["muted"]}>not heard of lately</td>
              <td className={styles["mono"]} title={key}>
                {shortDigest(`sha256:${key}`)}
              </td>
              <td>–</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function connectionFacts({ host, connection, testRepository }: Configured): Fact[] {
  const several = (values: readonly string[] | undefined) => (values?.length ? <Several values={values} /> : "none");
  return [
    { name: "Address", value: <span className={styles["mono"]}>{connection.url || `https://${host}`}</span> },
    { name: "Private addresses", value: connection.allowPrivate ? "allowed" : "refused" },
    { name: "Test repository", value: testRepository || "none" },
    { name: "Other names", value: several(connection.aliases) },
    { name: "Token servers", value: several(connection.tokenRealms) },
    { name: "Blob stores", value: several(connection.redirectHosts) },
    { name: "Authorities", value: connection.ca ? "those below, and the system’s own" : "the system’s own" },
  ];
}

const Several = ({ values }: { values: readonly string[] }) => <span title={values.join("\n")}>{values.join(", ")}</span>;

function InFile({ workers }: { workers: readonly Worker[] }) {
  return (
    <>
      <p>
        The trust configuration of {workers.map(({ name }) => name).join(", ")} names it. How it is reached, and by which credentials, is written and
        changed there; the hub is not told.
      </p>
      <p className={styles["muted"]}>What stands in a worker’s own file comes before what is configured here.</p>
    </>
  );
}

function Actions({ record, onEdit, onGone }: { record: Configured; onEdit: () => void; onGone: () => void }) {
  const [asking, setAsking] = useState(false);
  const tell = useTell();
  const test = useTestRegistry();
  const remove = useRemoveRegistry();
  const failed = (error: Error) => tell("error", "That did not work", error.message);
  const erase = () =>
    remove.mutate(record.host, {
      onSuccess: () => {
        tell("success", "Registry removed", record.host);
        onGone();
      },
      onError: failed,
      onSettled: () => setAsking(false),
    });
  return (
    <>
      <Button appearance="primary" icon={<Edit20Regular />} onClick={onEdit}>
        Edit
      </Button>
      <Button icon={<PlugConnected20Regular />} disabledFocusable={(record.testing ?? false) || test.isPending} onClick={() => test.mutate(record.host, { onError: failed })}>
        Test now
      </Button>
      <Button icon={<Delete20Regular />} onClick={() => setAsking(true)}>
        Remove
      </Button>
      {asking ? (
        <ConfirmDialog title={`Remove the registry “${record.host}”?`} confirm="Remove" busy={remove.isPending} onConfirm={erase} onCancel={() => setAsking(false)}>
          Workers contact it no more and its credentials are forgotten: its images are not scanned, and reports are not renewed. What is known of
          its images stays.
        </ConfirmDialog>
      ) : null}
    </>
  );
}
