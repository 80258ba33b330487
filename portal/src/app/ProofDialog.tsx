import { Button, Field, Input, MessageBar, MessageBarActions, MessageBarBody } from "@fluentui/react-components";
import { useState, type ReactNode } from "react";
import { useLocation } from "react-router";

import { ApiError, REAUTHENTICATION_NEEDED } from "../api/client";
import { useSignInWays, useUser } from "../api/session";
import { ConfirmDialog } from "../components/ConfirmDialog";
import styles from "./ProofDialog.module.css";

interface Props {
  title: string;
  confirm: string;
  busy: boolean;
  /** What the hub refused; the dialog stays, for another try. */
  error: Error | null;
  onConfirm: (password: string) => void;
  onCancel: () => void;
  children: ReactNode;
}

/** Asks before what opens a cluster to everything, and has whoever is there prove anew who that is. */
export function ProofDialog({ title, confirm, busy, error, onConfirm, onCancel, children }: Props) {
  const [password, setPassword] = useState("");
  // The hub names people of the provider so; they have no password here.
  const external = useUser().name.startsWith("oidc:");
  return (
    <ConfirmDialog
      title={title}
      confirm={confirm}
      busy={busy}
      disabled={!external && !password}
      onConfirm={() => onConfirm(password)}
      onCancel={onCancel}
    >
      <form
        className={styles["form"]}
        onSubmit={(event) => {
          event.preventDefault();
          if (external || password) onConfirm(password);
        }}
      >
        <span>{children}</span>
        {external ? (
          <span>It needs a sign-in at your provider of the last five minutes.</span>
        ) : (
          <Field label="Your password, or the API token that you signed in with" required>
            <Input type="password" autoComplete="current-password" value={password} onChange={(_, data) => setPassword(data.value)} />
          </Field>
        )}
        {error ? (
          <MessageBar intent="error" layout="multiline" role="alert">
            <MessageBarBody>{external && needsProof(error) ? "Your sign-in is older than five minutes." : error.message}</MessageBarBody>
            {external && needsProof(error) ? <SignInAgain /> : null}
          </MessageBar>
        ) : null}
      </form>
    </ConfirmDialog>
  );
}

const needsProof = (error: Error): boolean => error instanceof ApiError && error.type === REAUTHENTICATION_NEEDED;

/** Leads to the provider, which asks anew, and back to this page. */
function SignInAgain() {
  const { data } = useSignInWays();
  const { pathname, search } = useLocation();
  const next = encodeURIComponent(pathname + search);
  return (
    <MessageBarActions>
      <Button as="a" size="small" href={`/api/v1/session/oidc/start?fresh=true&next=${next}`}>
        Sign in again with {data?.oidc?.name ?? "your provider"}
      </Button>
    </MessageBarActions>
  );
}
