import { Button, Spinner } from "@fluentui/react-components";
import { useMemo } from "react";

import { CodeBlock, DetailPanel, ErrorState } from "../../components";
import { plural } from "../../lib/format";
import { usePolicyObject } from "./data";
import type { RuleRecord } from "./form";
import { policyText } from "./policyText";

/** The rules, or the chosen ones, as the custom resource that drives a cluster without a hub too. */
export function PolicyObjectPanel({ only, onClose }: { only: readonly RuleRecord[]; onClose: () => void }) {
  const { data, error, isPending, refetch } = usePolicyObject();
  const text = useMemo(() => (data ? policyText(data, only) : ""), [data, only]);
  return (
    <DetailPanel
      title="As policy object"
      subtitle={`${only.length ? plural(only.length, "chosen rule") : "All rules"}, as kubectl apply takes them`}
      footer={<Button onClick={onClose}>Close</Button>}
      onClose={onClose}
    >
      {isPending ? <Spinner label="Loading" /> : null}
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : null}
      {data ? <CodeBlock label="YAML" text={text} /> : null}
    </DetailPanel>
  );
}
