import { Field as Labelled, Input, MessageBar, MessageBarBody, Radio, RadioGroup, Textarea } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";

import { ErrorState, Section } from "../../../components";
import { plural, shortDigest } from "../../../lib/format";
import { fingerprint, sealingProblem, type Credentials, type SealingKey } from "../../../lib/sealing";
import { useSealingKeys } from "./data";
import { shown, type FieldsProps } from "./fields";
import type { Keeping, RegistryForm } from "./form";
import styles from "./registries.module.css";

/** Whose credentials workers use: entered here, they leave the browser sealed for the workers' keys. */
export function CredentialFields({ form, change, problemOf, touch, before }: FieldsProps & { before: RegistryForm }) {
  const given = (part: Partial<Credentials>) => change({ credentials: { ...form.credentials, ...part } });
  const { username, password, clientCertificate, clientKey } = form.credentials;
  return (
    <>
      <Labelled {...shown(problemOf("keeping"))}>
        <RadioGroup aria-label="Credentials" value={form.keeping} onChange={(_, data) => change({ keeping: data.value as Keeping })}>
          {before.keeping === "keep" ? <Radio value="keep" label="Those that were entered before" /> : null}
          <Radio value="none" label="None: it is asked anonymously" />
          <Radio value="enter" label={before.keeping === "keep" ? "Others, entered here" : "Entered here"} />
        </RadioGroup>
      </Labelled>
      {form.keeping === "enter" ? (
        <>
          <div className={styles["two"]}>
            <Labelled label="User name" {...shown(problemOf("username"))}>
              <Input
                value={username}
                maxLength={1024}
                autoComplete="off"
                spellCheck={false}
                onBlur={() => touch("username")}
                onChange={(_, data) => given({ username: data.value })}
              />
            </Labelled>
            <Labelled label="Password or token" {...shown(problemOf("password"))}>
              <Input
                type="password"
                value={password}
                autoComplete="new-password"
                onBlur={() => touch("password")}
                onChange={(_, data) => given({ password: data.value })}
              />
            </Labelled>
          </div>
          <Section title="Client certificate" open={false}>
            <div className={styles["form"]}>
              <Labelled label="Certificate chain" hint="PEM" {...shown(problemOf("clientCertificate"))}>
                <Textarea
                  className={styles["pemInput"] ?? ""}
                  rows={3}
                  spellCheck={false}
                  value={clientCertificate}
                  placeholder="-----BEGIN CERTIFICATE-----"
                  onChange={(_, data) => given({ clientCertificate: data.value })}
                />
              </Labelled>
              <Labelled label="Private key" hint="PEM, without a passphrase" {...shown(problemOf("clientKey"))}>
                <Textarea
                  className={styles["pemInput"] ?? ""}
                  rows={3}
                  spellCheck={false}
                  value={clientKey}
                  placeholder="-----BEGIN PRIVATE KEY-----"
                  onChange={(_, data) => given({ clientKey: data.value })}
                />
              </Labelled>
            </div>
          </Section>
          <SealedFor />
        </>
      ) : null}
    </>
  );
}

/** For whom they are sealed: whoever compares the keys with the workers' own knows that nobody else reads them. */
function SealedFor() {
  const problem = sealingProblem();
  const { data: keys, error, refetch } = useSealingKeys(problem === "");
  const names = useQuery({
    queryKey: ["sealing-keys", "fingerprints", keys],
    queryFn: () => Promise.all((keys ?? []).map(named)),
    enabled: keys !== undefined,
    retry: false,
  });
  if (problem) return <Notice intent="error">{problem}</Notice>;
  if (names.error) return <Notice intent="error">{names.error.message}</Notice>;
  if (error) return <ErrorState error={error} onRetry={() => void refetch()} />;
  if (!keys) return null;
  if (keys.length === 0) {
    return <Notice intent="warning">No scan worker was heard of in the last five minutes, so there is no key to seal credentials by. Start one first.</Notice>;
  }
  return (
    <div className={styles["sealed"]}>
      <span>Sealed in this browser for {plural(keys.length, "worker")}; the hub keeps what it cannot read:</span>
      <ul>
        {names.data?.map(({ worker, key }) => (
          <li key={worker}>
            {worker} <span className={styles["mono"]} title={key}>{`(${shortDigest(`sha256:${key}`)})`}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

const named = async (key: SealingKey) => ({ worker: key.worker, key: await fingerprint(key) });

const Notice = ({ intent, children }: { intent: "error" | "warning"; children: string }) => (
  <MessageBar intent={intent} layout="multiline">
    <MessageBarBody>{children}</MessageBarBody>
  </MessageBar>
);
