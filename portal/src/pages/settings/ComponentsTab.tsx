import { Dropdown, Option, Skeleton, SkeletonItem } from "@fluentui/react-components";
import { useState, type ReactNode } from "react";
import { Link } from "react-router";

import { failureOf } from "../../api/query";
import { useMayWrite } from "../../api/session";
import { useTell } from "../../app/toasts";
import { ProofDialog } from "../../app/ProofDialog";
import { ConfirmDialog, ErrorState } from "../../components";
import { plural } from "../../lib/format";
import { useClusterList } from "../clusters/data";
import { MODES } from "../rules/words";
import { useChangeSettings, useSettings, type Changes, type Settings } from "./data";
import styles from "./settings.module.css";
import { Toggle } from "./Toggle";

type Switch = "securityGating" | "registryAccess" | "securityFindings";

interface Part {
  key: Switch;
  name: string;
  description: string;
  /** What happens when it is switched off. */
  off: string;
  /** Whoever switches it off proves anew who that is. */
  proof?: true;
}

const PARTS: readonly Part[] = [
  {
    key: "securityGating",
    name: "Security gating",
    description: "Gates in the clusters judge every workload by the security rules before it is admitted.",
    off: "Clusters that are enrolled from now on begin with gating off: their gates admit everything and record it. Clusters that are enrolled already keep their own switch. It stands in the audit log that you did it.",
    proof: true,
  },
  {
    key: "registryAccess",
    name: "Registry access",
    description: "Scan workers read images from the registries that they are configured for.",
    off: "Workers contact no registry any more: nothing is scanned, and images pushed from now on stay unscanned.",
  },
  {
    key: "securityFindings",
    name: "Security findings",
    description: "Findings are signed and attached to the image in its own registry, where gates read them.",
    off: "Images are scanned and their findings are shown here, but nothing is attached: gates will judge new images as unscanned.",
  },
];

/** The parts that can be switched off, and how rules are evaluated. */
export function ComponentsTab() {
  const { data, error, refetch } = useSettings();
  const mayWrite = useMayWrite();
  const tell = useTell();
  const change = useChangeSettings();
  const [asking, setAsking] = useState<Part | null>(null);
  const apply = (changes: Changes, told: string) =>
    change.mutate(changes, {
      onSuccess: () => {
        tell("success", told);
        setAsking(null);
      },
      onError: (failure) => {
        if (asking?.proof) return; // stands in its dialog
        tell("error", "That did not work", failure.message);
        setAsking(null);
      },
    });
  const ask = (part: Part | null) => {
    change.reset();
    setAsking(part);
  };
  const failure = failureOf({ data, error });
  if (failure) return <ErrorState error={failure} onRetry={() => void refetch()} />;
  if (!data) {
    return (
      <Skeleton aria-label="Loading the settings">
        <SkeletonItem size={128} />
      </Skeleton>
    );
  }
  const disabled = !mayWrite || change.isPending;
  return (
    <div className={styles["scroll"]}>
      {mayWrite ? null : <p className={`${styles["muted"]} ${styles["bar"]}`}>A Security Admin can change these.</p>}
      <table className={styles["components"]}>
        <thead>
          <tr>
            <th scope="col" className={styles["name"]}>
              Component
            </th>
            <th scope="col">Description</th>
            <th scope="col" className={styles["configuration"]}>
              Configuration
            </th>
            <th scope="col" className={styles["status"]}>
              Status
            </th>
          </tr>
        </thead>
        <tbody>
          {PARTS.map((part) => (
            <Row key={part.key} name={part.name} description={part.description} configuration={<Configuration part={part.key} settings={data} />}>
              <Toggle
                label={part.name}
                value={data[part.key] ?? "On"}
                disabled={disabled}
                onChange={(value) => (value === "Off" ? ask(part) : apply({ [part.key]: value }, `${part.name} is on`))}
              />
            </Row>
          ))}
          <Row
            name="Evaluation"
            description="Which of several matching rules decides: the first in order, or all of them with the strictest outcome."
            configuration={<span className={styles["muted"]}>Holds for all clusters</span>}
          >
            <Mode value={data.evaluationMode} disabled={disabled} onChange={(evaluationMode) => apply({ evaluationMode }, "Evaluation changed")} />
          </Row>
        </tbody>
      </table>
      {asking?.proof ? (
        <ProofDialog
          title={`Switch “${asking.name}” off for new clusters?`}
          confirm="Switch off"
          busy={change.isPending}
          error={change.error}
          onConfirm={(password) => apply({ [asking.key]: "Off", password }, `${asking.name} is off for new clusters`)}
          onCancel={() => ask(null)}
        >
          {asking.off}
        </ProofDialog>
      ) : null}
      {asking && !asking.proof ? (
        <ConfirmDialog
          title={`Switch “${asking.name}” off?`}
          confirm="Switch off"
          busy={change.isPending}
          onConfirm={() => apply({ [asking.key]: "Off" }, `${asking.name} is off`)}
          onCancel={() => ask(null)}
        >
          {asking.off}
        </ConfirmDialog>
      ) : null}
    </div>
  );
}

function Row({ name, description, configuration, children }: { name: string; description: string; configuration: ReactNode; children: ReactNode }) {
  return (
    <tr>
      <td className={styles["name"]}>{name}</td>
      <td>{description}</td>
      <td>{configuration}</td>
      <td>{children}</td>
    </tr>
  );
}

function Configuration({ part, settings }: { part: Switch; settings: Settings }) {
  if (part === "securityGating") return <GatedClusters />;
  if (part === "registryAccess") {
    return (
      <>
        <span className={styles["line"]}>Security findings: {settings.securityFindings ?? "On"}</span>
        <Link className={styles["link"]} to="/registries">
          See the registries
        </Link>
      </>
    );
  }
  if (settings.registryAccess === "Off") return <span className={styles["muted"]}>Nothing is scanned while registry access is off</span>;
  return (
    <Link className={styles["link"]} to="/settings/keys">
      See the evidence keys
    </Link>
  );
}

function GatedClusters() {
  const { items, isPending } = useClusterList();
  const on = items.filter((cluster) => cluster.gating !== "Off").length;
  return (
    <>
      <span className={styles["line"]}>{isPending ? "Counting the clusters" : `On in ${on} of ${plural(items.length, "cluster")}; the switch is for new ones`}</span>
      <Link className={styles["link"]} to="/clusters">
        Switch it for a cluster
      </Link>
    </>
  );
}

function Mode({ value, disabled, onChange }: { value: Settings["evaluationMode"]; disabled: boolean; onChange: (mode: Settings["evaluationMode"]) => void }) {
  return (
    <Dropdown
      className={styles["mode"] ?? ""}
      aria-label="Evaluation"
      disabled={disabled}
      value={MODES[value]}
      selectedOptions={[value]}
      onOptionSelect={(_, data) => data.optionValue !== value && onChange(data.optionValue as Settings["evaluationMode"])}
    >
      {Object.entries(MODES).map(([key, text]) => (
        <Option key={key} value={key}>
          {text}
        </Option>
      ))}
    </Dropdown>
  );
}
