import { Button, Field, Input, MessageBar, MessageBarBody } from "@fluentui/react-components";
import { useState, type SyntheticEvent } from "react";

import { useChangePassword } from "../../api/session";
import { SignInFrame } from "./SignInFrame";
import styles from "./SignIn.module.css";

/** Asked for at the first sign-in, before anything else can be done. */
export function ChangePassword() {
  const change = useChangePassword();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [again, setAgain] = useState("");
  const differs = again !== "" && again !== next;
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    change.mutate({ current, new: next });
  };
  const fields = [
    { label: "Current password", value: current, set: setCurrent, fill: "current-password" },
    { label: "New password", value: next, set: setNext, fill: "new-password" },
    { label: "New password again", value: again, set: setAgain, fill: "new-password" },
  ];
  return (
    <SignInFrame title="Choose a password">
      <p>The first password is known to whoever gave it to you. Choose one that only you know.</p>
      {change.error ? (
        <MessageBar intent="error" layout="multiline" role="alert">
          <MessageBarBody>{change.error.message}</MessageBarBody>
        </MessageBar>
      ) : null}
      <form className={styles["form"]} onSubmit={submit}>
        {fields.map(({ label, value, set, fill }) => (
          <Field
            key={label}
            label={label}
            {...(label.endsWith("again") && differs ? { validationMessage: "The two differ" } : {})}
          >
            <Input type="password" value={value} autoComplete={fill} onChange={(_, data) => set(data.value)} />
          </Field>
        ))}
        <Button
          type="submit"
          appearance="primary"
          size="large"
          disabled={!current || !next || next !== again || change.isPending}
        >
          Change password
        </Button>
      </form>
    </SignInFrame>
  );
}
