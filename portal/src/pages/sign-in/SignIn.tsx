import { Button, Divider, Field, Input, MessageBar, MessageBarBody, Spinner } from "@fluentui/react-components";
import { useState, type SyntheticEvent } from "react";
import { useLocation } from "react-router";

import { useSignIn, useSignInWays, type Credentials, type SignInWays } from "../../api/session";
import { ErrorState } from "../../components/States";
import { SignInFrame } from "./SignInFrame";
import styles from "./SignIn.module.css";
import { useSignInProblem } from "./useSignInProblem";

export function SignIn() {
  const ways = useSignInWays();
  if (ways.isPending) return <SignInFrame title="Sign in"><Spinner /></SignInFrame>;
  if (ways.error) return <ErrorState error={ways.error} onRetry={() => void ways.refetch()} />;
  return (
    <SignInFrame title="Sign in">
      <SignInForm ways={ways.data} />
    </SignInFrame>
  );
}

function SignInForm({ ways }: { ways: SignInWays }) {
  const signIn = useSignIn();
  const before = useSignInProblem();
  const [withToken, setWithToken] = useState(!ways.local);
  const submit = (credentials: Credentials) => signIn.mutate(credentials);
  return (
    <>
      {signIn.error ? (
        <MessageBar intent="error" layout="multiline" role="alert">
          <MessageBarBody>{signIn.error.message}</MessageBarBody>
        </MessageBar>
      ) : null}
      {before && !signIn.error ? (
        <MessageBar intent="error" layout="multiline" role="alert">
          <MessageBarBody>{before}</MessageBarBody>
        </MessageBar>
      ) : null}
      {ways.oidc ? <OidcButton name={ways.oidc.name} /> : null}
      {ways.oidc ? <Divider>or</Divider> : null}
      {withToken ? (
        <TokenForm busy={signIn.isPending} onSubmit={submit} />
      ) : (
        <PasswordForm busy={signIn.isPending} onSubmit={submit} />
      )}
      {ways.local ? (
        <Button
          appearance="transparent"
          onClick={() => {
            signIn.reset();
            setWithToken(!withToken);
          }}
        >
          {withToken ? "Use a password instead" : "Use an API token instead"}
        </Button>
      ) : null}
    </>
  );
}

function OidcButton({ name }: { name: string }) {
  const { pathname, search } = useLocation();
  const next = encodeURIComponent(pathname + search);
  return (
    <Button as="a" href={`/api/v1/session/oidc/start?next=${next}`} size="large">
      Sign in with {name}
    </Button>
  );
}

interface FormProps {
  busy: boolean;
  onSubmit: (credentials: Credentials) => void;
}

function PasswordForm({ busy, onSubmit }: FormProps) {
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    onSubmit({ username, password });
  };
  return (
    <form className={styles["form"]} onSubmit={submit}>
      <Field label="User name">
        <Input value={username} autoFocus autoComplete="username" onChange={(_, data) => setUsername(data.value)} />
      </Field>
      <Field label="Password">
        <Input
          type="password"
          value={password}
          autoComplete="current-password"
          onChange={(_, data) => setPassword(data.value)}
        />
      </Field>
      <Submit busy={busy} ready={Boolean(username && password)} />
    </form>
  );
}

function TokenForm({ busy, onSubmit }: FormProps) {
  const [token, setToken] = useState("");
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    onSubmit({ token: token.trim() });
  };
  return (
    <form className={styles["form"]} onSubmit={submit}>
      <Field label="API token" hint="tidegate up prints one as adminToken; it is kept in tokens/admin.token.">
        <Input
          type="password"
          value={token}
          autoFocus
          autoComplete="off"
          onChange={(_, data) => setToken(data.value)}
        />
      </Field>
      <Submit busy={busy} ready={Boolean(token.trim())} />
    </form>
  );
}

function Submit({ busy, ready }: { busy: boolean; ready: boolean }) {
  return (
    <Button type="submit" appearance="primary" size="large" disabled={busy || !ready}>
      {busy ? "Signing in" : "Sign in"}
    </Button>
  );
}
