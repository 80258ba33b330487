import { Button, MessageBar, MessageBarBody, MessageBarTitle, Switch } from "@fluentui/react-components";
import { Checkmark20Regular, Delete20Regular, TaskListSquareLtr20Regular } from "@fluentui/react-icons";
import { useState } from "react";
import { useNavigate } from "react-router";

import { useMayWrite } from "../../api/session";
import { useTell } from "../../app/toasts";
import { ConfirmDialog, DetailPanel, Essentials, RelativeTime, Section, StatusBadge, type Fact } from "../../components";
import { spaced } from "../../lib/format";
import { useNow } from "../../lib/now";
import styles from "./clusters.module.css";
import { useAcknowledge, useDeleteCluster, useGating, type Cluster } from "./data";
import { GatingOffDialog } from "./GatingOffDialog";
import { healthOf, isCurrent, labelWords, problemsBeside, PROVIDERS } from "./health";
import { BreakGlassSection } from "./BreakGlassSection";
import { FeedAge } from "./FeedAge";
import { isOld } from "./feed";
import { ProtectionSection } from "./ProtectionSection";

/** One cluster: how it is, what is in force there, and its gating switch. */
export function ClusterPanel({ cluster, onClose }: { cluster: Cluster; onClose: () => void }) {
  const mayWrite = useMayWrite();
  const navigate = useNavigate();
  const now = useNow();
  const { tone, text, why } = healthOf(cluster, now);
  const alarms = cluster.protection?.alarms ?? [];
  const problems = problemsBeside(cluster);
  return (
    <DetailPanel
      title={cluster.name}
      subtitle={
        <StatusBadge tone={tone} title={why}>
          {text}
        </StatusBadge>
      }
      onClose={onClose}
      footer={
        <>
          <Button icon={<TaskListSquareLtr20Regular />} onClick={() => void navigate(`/monitoring?cluster=${encodeURIComponent(cluster.name)}`)}>
            Show its events
          </Button>
          {mayWrite ? <Forget name={cluster.name} onGone={onClose} /> : null}
        </>
      }
    >
      {alarms.length || problems.length ? (
        <div className={styles["problems"]}>
          {alarms.map(({ kind, message, since }) => (
            <MessageBar key={kind} intent="error" layout="multiline">
              <MessageBarBody>
                <MessageBarTitle>{spaced(kind)}</MessageBarTitle>
                {message}{" "}
                <span className={styles["muted"]}>
                  (since <RelativeTime time={since} />)
                </span>
              </MessageBarBody>
            </MessageBar>
          ))}
          {problems.map((problem) => (
            <MessageBar key={problem} intent="warning" layout="multiline">
              <MessageBarBody>{problem}</MessageBarBody>
            </MessageBar>
          ))}
          {mayWrite && problems.length ? <Acknowledge name={cluster.name} /> : null}
        </div>
      ) : null}
      <Gating cluster={cluster} mayWrite={mayWrite} />
      <ProtectionSection cluster={cluster} />
      <BreakGlassSection cluster={cluster} />
      <Section title="Identity">
        <Essentials facts={identity(cluster)} columns={1} />
      </Section>
      <Section title="Agent and policy">
        <Essentials facts={policy(cluster, now)} columns={1} />
      </Section>
    </DetailPanel>
  );
}

function identity(cluster: Cluster): Fact[] {
  const labels = labelWords(cluster.labels);
  return [
    { name: "Provider", value: PROVIDERS[cluster.provider] },
    { name: "Account", value: cluster.account || "none" },
    {
      name: "Labels",
      value: labels.length ? (
        <span className={styles["labels"]}>
          {labels.map((label) => (
            <span key={label} className={styles["label"]}>
              {label}
            </span>
          ))}
        </span>
      ) : (
        "none"
      ),
    },
    { name: "Enrolled", value: <RelativeTime time={cluster.enrolledAt || undefined} never="not yet: its agent has not come" /> },
  ];
}

function policy(cluster: Cluster, now: Date): Fact[] {
  return [
    { name: "Heard of", value: <RelativeTime time={cluster.lastSeenAt || undefined} /> },
    { name: "Findings fed", value: <FeedAge time={cluster.feedAt} old={isOld(cluster.feedAt, now)} /> },
    { name: "Agent version", value: cluster.agentVersion || "not known" },
    { name: "Policy in force", value: <Generation text={cluster.policyGeneration} /> },
    { name: "Policy wanted", value: <Generation text={cluster.wantedGeneration} /> },
    {
      name: "Policy",
      value: isCurrent(cluster) ? (
        <StatusBadge tone="good">The newest is in force</StatusBadge>
      ) : (
        <StatusBadge tone="warning">The newest is not in force yet</StatusBadge>
      ),
    },
  ];
}

const Generation = ({ text }: { text: string | undefined }) => <span className={styles["mono"]}>{text || "none"}</span>;

function Gating({ cluster, mayWrite }: { cluster: Cluster; mayWrite: boolean }) {
  const [asking, setAsking] = useState(false);
  const tell = useTell();
  const change = useGating();
  const on = cluster.gating !== "Off";
  const switchOn = () =>
    change.mutate(
      { name: cluster.name, gating: "On", password: "" },
      {
        onSuccess: () => tell("success", "Security gating is on", cluster.name),
        onError: (error) => tell("error", "That did not work", error.message),
      },
    );
  return (
    <div className={styles["gating"]}>
      <div className={styles["gatingText"]}>
        <strong>Security gating</strong>
        <span className={styles["muted"]}>
          {on ? "The gate judges every workload by the rules." : "The gate admits everything and records it as “Gating off”."}
          {mayWrite ? null : " A Security Admin can switch it."}
        </span>
      </div>
      <Switch
        checked={on}
        disabled={!mayWrite || change.isPending}
        label={on ? "On" : "Off"}
        labelPosition="before"
        aria-label="Security gating"
        onChange={() => (on ? setAsking(true) : switchOn())}
      />
      {asking ? <GatingOffDialog name={cluster.name} onClose={() => setAsking(false)} /> : null}
    </div>
  );
}

/** Alarms are the hub's own; what the agent complains of ends when its cause does. */
function Acknowledge({ name }: { name: string }) {
  const tell = useTell();
  const acknowledge = useAcknowledge();
  const take = () =>
    acknowledge.mutate(name, {
      onSuccess: () => tell("success", "Alarms of the hub acknowledged", name),
      onError: (error) => tell("error", "That did not work", error.message),
    });
  return (
    <span>
      <Button size="small" icon={<Checkmark20Regular />} disabled={acknowledge.isPending} onClick={take}>
        Acknowledge the hub’s alarms
      </Button>
    </span>
  );
}

function Forget({ name, onGone }: { name: string; onGone: () => void }) {
  const [asking, setAsking] = useState(false);
  const tell = useTell();
  const remove = useDeleteCluster();
  const erase = () =>
    remove.mutate(name, {
      onSuccess: () => {
        tell("success", "Cluster deleted", name);
        onGone();
      },
      onError: (error) => tell("error", "That did not work", error.message),
      onSettled: () => setAsking(false),
    });
  return (
    <>
      <Button icon={<Delete20Regular />} onClick={() => setAsking(true)}>
        Delete
      </Button>
      {asking ? (
        <ConfirmDialog title={`Delete the cluster “${name}”?`} confirm="Delete" busy={remove.isPending} onConfirm={erase} onCancel={() => setAsking(false)}>
          Its token is revoked at once: its agent gets no new rules and its events are refused. The rules that are in force there stay until somebody
          removes them. What happened stays in Admission Monitoring.
        </ConfirmDialog>
      ) : null}
    </>
  );
}
