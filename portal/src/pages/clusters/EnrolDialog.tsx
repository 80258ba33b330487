import {
  Button,
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  Dropdown,
  Field,
  Input,
  MessageBar,
  MessageBarBody,
  Option,
} from "@fluentui/react-components";
import { useState } from "react";

import { CopyText, RelativeTime, TagInput } from "../../components";
import { useFocusBack } from "../../components/useFocusBack";
import styles from "./clusters.module.css";
import { useEnrol, type Enrolment, type Provider } from "./data";
import { nameProblem, PROVIDERS, readLabels } from "./health";

interface Props {
  taken: readonly string[];
  onClose: () => void;
}

/** Fixes what a cluster is, then shows the one-time token for its agent. */
export function EnrolDialog({ taken, onClose }: Props) {
  useFocusBack();
  const [made, setMade] = useState<Enrolment | null>(null);
  return (
    <Dialog open modalType="alert" onOpenChange={(_, data) => !data.open && onClose()}>
      <DialogSurface>{made ? <Made enrolment={made} onClose={onClose} /> : <Form taken={taken} onMade={setMade} onClose={onClose} />}</DialogSurface>
    </Dialog>
  );
}

function Form({ taken, onMade, onClose }: Props & { onMade: (made: Enrolment) => void }) {
  const [name, setName] = useState("");
  const [provider, setProvider] = useState<Provider>("on-premises");
  const [account, setAccount] = useState("");
  const [labels, setLabels] = useState<string[]>([]);
  const enrol = useEnrol();
  const problem = nameProblem(name, taken);
  const labelProblem = problemOf(labels);
  const submit = () => enrol.mutate({ name, provider, account, labels: readLabels(labels) }, { onSuccess: onMade });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <DialogBody>
        <DialogTitle>Enrol a cluster</DialogTitle>
        <DialogContent className={styles["form"] ?? ""}>
          <span>Cloud scopes of rules go by what you say here, never by what the cluster says of itself.</span>
          <Field label="Name" required validationMessage={problem || null} validationState={problem ? "error" : "none"}>
            <Input value={name} maxLength={128} onChange={(_, data) => setName(data.value)} />
          </Field>
          <div className={styles["two"]}>
            <Field label="Provider">
              <Dropdown
                value={PROVIDERS[provider]}
                selectedOptions={[provider]}
                onOptionSelect={(_, data) => setProvider((data.optionValue ?? "on-premises") as Provider)}
              >
                {Object.entries(PROVIDERS).map(([key, text]) => (
                  <Option key={key} value={key}>
                    {text}
                  </Option>
                ))}
              </Dropdown>
            </Field>
            <Field label="Account" hint="Subscription, account or project">
              <Input value={account} onChange={(_, data) => setAccount(data.value)} />
            </Field>
          </div>
          <Field label="Labels" validationMessage={labelProblem || null} validationState={labelProblem ? "error" : "none"}>
            <TagInput values={labels} onChange={setLabels} label="Labels" placeholder="environment=production" invalid={labelProblem !== ""} />
          </Field>
          {enrol.error ? (
            <MessageBar intent="error" layout="multiline" role="alert">
              <MessageBarBody>{enrol.error.message}</MessageBarBody>
            </MessageBar>
          ) : null}
        </DialogContent>
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" appearance="primary" disabled={!name || problem !== "" || labelProblem !== "" || enrol.isPending}>
            Make the token
          </Button>
        </DialogActions>
      </DialogBody>
    </form>
  );
}

function problemOf(labels: readonly string[]): string {
  try {
    readLabels(labels);
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

function Made({ enrolment, onClose }: { enrolment: Enrolment; onClose: () => void }) {
  return (
    <DialogBody>
      <DialogTitle>The one-time token of {enrolment.name}</DialogTitle>
      <DialogContent className={styles["form"] ?? ""}>
        <MessageBar intent="warning" layout="multiline">
          <MessageBarBody>It is shown this once. Copy it now; if it is lost, enrol the cluster again.</MessageBarBody>
        </MessageBar>
        <div className={styles["secret"]}>
          <CopyText text={enrolment.token} label="Copy token" />
        </div>
        <span>
          Give it to the agent in that cluster as the file that TIDEGATE_AGENT_ENROL_TOKEN_FILE names. The agent exchanges it for a token of its
          own, once; a second use is refused and stands as an alarm at the cluster. It ends <RelativeTime time={enrolment.expiresAt} />.
        </span>
      </DialogContent>
      <DialogActions>
        <Button appearance="primary" onClick={onClose}>
          I have copied it
        </Button>
      </DialogActions>
    </DialogBody>
  );
}
