import { Dropdown, Field, Option, Radio, RadioGroup } from "@fluentui/react-components";
import { useState } from "react";

import { TagInput } from "../../../components";
import { plural } from "../../../lib/format";
import { useClusters } from "../data";
import { isEverywhere, type RuleForm } from "../form";
import { reaches } from "../reach";
import { PROVIDERS } from "../words";
import styles from "./Editor.module.css";
import { Row } from "./Row";
import type { TabProps } from "./tab";

const NOWHERE: RuleForm["cloud"] = { providers: [], accounts: [], clusters: [], labels: [] };
type Provider = keyof typeof PROVIDERS;

/** Which clusters get the rule: all, or those that match every list given. */
export function CloudScopeFields({ form, change, problems, disabled }: TabProps) {
  const [chosen, setChosen] = useState(!isEverywhere(form.cloud));
  const clusters = useClusters().data?.items ?? [];
  const { cloud } = form;
  const set = (part: Partial<RuleForm["cloud"]>) => change({ cloud: { ...cloud, ...part } });
  const reached = clusters.filter((cluster) => reaches(cloud, cluster)).map((cluster) => cluster.name);
  const labels = clusters.flatMap((cluster) => Object.entries(cluster.labels).map(([key, value]) => `${key}=${value}`));
  return (
    <>
      <Row
        label="Cloud scope"
        required
        problem={problems["cloud"]}
        hint={
          <>
            Reaches {plural(reached.length, "cluster")} of {clusters.length}
            {reached.length ? `: ${listed(reached)}` : ""}. Clusters that join later and match are included.
          </>
        }
      >
        <RadioGroup
          layout="horizontal"
          value={chosen ? "chosen" : "all"}
          disabled={disabled}
          onChange={(_, data) => {
            setChosen(data.value === "chosen");
            if (data.value === "all") change({ cloud: NOWHERE });
          }}
        >
          <Radio value="all" label="All clusters" />
          <Radio value="chosen" label="Chosen clusters" />
        </RadioGroup>
      </Row>
      {chosen ? (
        <div className={styles["cloud"]}>
          <Field label="Providers">
            <Dropdown
              multiselect
              disabled={disabled}
              placeholder="Any provider"
              selectedOptions={cloud.providers}
              value={cloud.providers.map((name) => PROVIDERS[name]).join(", ")}
              onOptionSelect={(_, data) => set({ providers: data.selectedOptions as Provider[] })}
            >
              {(Object.keys(PROVIDERS) as Provider[]).map((name) => (
                <Option key={name} value={name}>
                  {PROVIDERS[name]}
                </Option>
              ))}
            </Dropdown>
          </Field>
          <Field label="Accounts, subscriptions or projects">
            <TagInput
              label="Accounts, subscriptions or projects"
              placeholder="Any account"
              disabled={disabled}
              values={cloud.accounts}
              suggestions={[...new Set(clusters.map((cluster) => cluster.account).filter(Boolean))]}
              onChange={(accounts) => set({ accounts })}
            />
          </Field>
          <Field label="Cluster names">
            <TagInput
              label="Cluster names"
              placeholder="Any name; prod-* matches several"
              disabled={disabled}
              values={cloud.clusters}
              suggestions={clusters.map((cluster) => cluster.name)}
              onChange={(names) => set({ clusters: names })}
            />
          </Field>
          <Field label="Cluster labels">
            <TagInput
              label="Cluster labels"
              placeholder="Any label; env=prod"
              disabled={disabled}
              values={cloud.labels}
              suggestions={[...new Set(labels)]}
              onChange={(values) => set({ labels: values })}
            />
          </Field>
        </div>
      ) : null}
    </>
  );
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 4).join(", ");
  return names.length > 4 ? `${shown} and ${names.length - 4} more` : shown;
}
