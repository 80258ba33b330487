import { Field, Input, MessageBar, MessageBarBody } from "@fluentui/react-components";
import { useState } from "react";

import { useTell } from "../../app/toasts";
import { ConfirmDialog } from "../../components";
import styles from "./clusters.module.css";
import { useGating } from "./data";

/** Switches gating off, once whoever is there has proved anew who that is. */
export function GatingOffDialog({ name, onClose }: { name: string; onClose: () => void }) {
  const [password, setPassword] = useState("");
  const change = useGating();
  const tell = useTell();
  const confirm = () =>
    change.mutate(
      { name, gating: "Off", password },
      {
        onSuccess: () => {
          tell("info", "Security gating is off", name);
          onClose();
        },
      },
    );
  return (
    <ConfirmDialog
      title={`Switch gating of “${name}” off?`}
      confirm="Switch off"
      busy={change.isPending}
      onConfirm={confirm}
      onCancel={onClose}
    >
      <div className={styles["form"]}>
        <span>
          The gate will admit everything there, whatever the rules say, until gating is switched on again. It stands in the audit log that you
          did it.
        </span>
        <Field
          label="Your password, or the API token that you signed in with"
          hint="Signed in at a provider: leave it empty; signing in must have been less than five minutes ago."
        >
          <Input type="password" autoComplete="current-password" value={password} onChange={(_, data) => setPassword(data.value)} />
        </Field>
        {change.error ? (
          <MessageBar intent="error" layout="multiline" role="alert">
            <MessageBarBody>{change.error.message}</MessageBarBody>
          </MessageBar>
        ) : null}
      </div>
    </ConfirmDialog>
  );
}
