import { Dropdown, Field, Input, Option } from "@fluentui/react-components";
import { Add20Regular, Delete20Regular } from "@fluentui/react-icons";
import { useState } from "react";

import { useTell } from "../../app/toasts";
import { CommandBar, ConfirmDialog, DataTable, EmptyState, ErrorState, RelativeTime, type Column } from "../../components";
import { useCreateToken, useRevokeToken, useTokens, type Token } from "./data";
import { FormDialog } from "./FormDialog";
import { SecretDialog } from "./SecretDialog";

type NewRole = Exclude<Token["role"], "cluster">;

const ROLES: Record<Token["role"], string> = {
  admin: "Security Admin",
  reader: "Security Reader",
  scanner: "Scan worker",
  registry: "Registry notifications",
  cluster: "Cluster agent",
};

const MEANINGS: Record<NewRole, string> = {
  admin: "Sees and changes everything.",
  reader: "Sees rules, events, images and clusters; changes nothing.",
  scanner: "Takes scan jobs and delivers their results.",
  registry: "Tells of pushes, and nothing else.",
};

/** Tokens for programs, and for people without an account. */
export function TokensTab() {
  const { items, isPending, error, refetch } = useTokens();
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<{ name: string; token: string } | null>(null);
  const [revoking, setRevoking] = useState(false);
  const tell = useTell();
  const revoke = useRevokeToken();
  const one = items.find((token) => selected.has(token.id) && selected.size === 1);
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  return (
    <>
      <CommandBar
        label="API tokens"
        commands={[
          { label: "Make a token", icon: <Add20Regular />, onClick: () => setMaking(true) },
          {
            label: "Revoke",
            icon: <Delete20Regular />,
            onClick: () => setRevoking(true),
            disabled: !one || one.role === "cluster",
            apart: true,
            ...(one?.role === "cluster" ? { title: "A cluster's token ends when the cluster is deleted" } : {}),
          },
        ]}
      />
      <DataTable
        label="API tokens"
        columns={COLUMNS}
        rows={items}
        rowKey={(row) => row.id}
        loading={isPending}
        minWidth={640}
        selected={selected}
        onSelect={setSelected}
        onOpen={(row) => setSelected(new Set([row.id]))}
        empty={<EmptyState title="No token">Make one for a program that calls the API.</EmptyState>}
      />
      {making ? <TokenForm onClose={() => setMaking(false)} onMade={setMade} /> : null}
      {revoking && one ? (
        <ConfirmDialog
          title={`Revoke the token “${one.name}”?`}
          confirm="Revoke"
          busy={revoke.isPending}
          onConfirm={() =>
            revoke.mutate(one.id, {
              onSuccess: () => tell("success", "Token revoked", one.name),
              onError: (failure) => tell("error", "That did not work", failure.message),
              onSettled: () => setRevoking(false),
            })
          }
          onCancel={() => setRevoking(false)}
        >
          Whatever uses it is refused at once, sessions that were opened with it included.
        </ConfirmDialog>
      ) : null}
      {made ? (
        <SecretDialog title={`The token ${made.name}`} secret={made.token} onClose={() => setMade(null)}>
          The hub keeps a hash of it alone. Send it as <code>Authorization: Bearer</code>.
        </SecretDialog>
      ) : null}
    </>
  );
}

function TokenForm({ onClose, onMade }: { onClose: () => void; onMade: (made: { name: string; token: string }) => void }) {
  const [name, setName] = useState("");
  const [role, setRole] = useState<NewRole>("reader");
  const create = useCreateToken();
  const problem = name && !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name) ? "Letters, digits and . _ -, a letter or digit first." : "";
  const submit = () =>
    create.mutate(
      { name, role },
      {
        onSuccess: (answer) => {
          onClose();
          onMade(answer);
        },
      },
    );
  return (
    <FormDialog title="Make a token" submit="Make" disabled={!name || problem !== "" || create.isPending} error={create.error} onSubmit={submit} onClose={onClose}>
      <Field label="Name" required hint="What it is for" validationMessage={problem || null} validationState={problem ? "error" : "none"}>
        <Input value={name} maxLength={128} autoComplete="off" onChange={(_, data) => setName(data.value)} />
      </Field>
      <Field label="Role" hint={MEANINGS[role]}>
        <Dropdown value={ROLES[role]} selectedOptions={[role]} onOptionSelect={(_, data) => setRole((data.optionValue ?? "reader") as NewRole)}>
          {Object.keys(MEANINGS).map((key) => (
            <Option key={key} value={key}>
              {ROLES[key as NewRole]}
            </Option>
          ))}
        </Dropdown>
      </Field>
    </FormDialog>
  );
}

const COLUMNS: readonly Column<Token>[] = [
  { key: "name", header: "Name", width: "minmax(200px, 2fr)", sortBy: (row) => row.name, render: (row) => row.name },
  { key: "role", header: "Role", width: "minmax(160px, 1fr)", sortBy: (row) => row.role, render: (row) => ROLES[row.role] },
  { key: "cluster", header: "Cluster", width: "minmax(128px, 1fr)", sortBy: (row) => row.cluster ?? "", render: (row) => row.cluster || "–" },
  { key: "created", header: "Made", width: "minmax(112px, 0.8fr)", sortBy: (row) => row.createdAt, render: (row) => <RelativeTime time={row.createdAt} /> },
];
