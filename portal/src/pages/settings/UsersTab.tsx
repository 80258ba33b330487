import { Dropdown, Field, Input, Option } from "@fluentui/react-components";
import {
  Delete20Regular,
  Key20Regular,
  PersonAdd20Regular,
  PersonEdit20Regular,
  PersonProhibited20Regular,
} from "@fluentui/react-icons";
import { useState } from "react";

import { ApiError } from "../../api/client";
import { useUser } from "../../api/session";
import { useTell } from "../../app/toasts";
import { CommandBar, ConfirmDialog, DataTable, EmptyState, ErrorState, RelativeTime, StatusBadge, type Column } from "../../components";
import { useChangeUser, useCreateUser, useDeleteUser, useResetUser, useUsers, type User } from "./data";
import { FormDialog } from "./FormDialog";
import { SecretDialog } from "./SecretDialog";

type Role = User["role"];
type Asked = "new" | "edit" | "reset" | "delete" | null;

const ROLES: Record<Role, string> = { admin: "Security Admin", reader: "Security Reader" };

/** Who may sign in, and as what. */
export function UsersTab() {
  const { items, isPending, error, refetch } = useUsers();
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [asked, setAsked] = useState<Asked>(null);
  const [made, setMade] = useState<{ name: string; password: string } | null>(null);
  const me = useUser();
  const tell = useTell();
  const change = useChangeUser();
  const reset = useResetUser();
  const remove = useDeleteUser();
  const one = items.find((user) => selected.has(user.name) && selected.size === 1);
  const failed = (failure: Error) => tell("error", "That did not work", failure.message);
  const close = () => setAsked(null);
  const enable = () => {
    if (!one) return;
    const write = { role: one.role, displayName: one.displayName, enabled: !one.enabled };
    change.mutate({ name: one.name, write }, { onSuccess: () => tell("success", one.enabled ? "User disabled" : "User enabled", one.name), onError: failed });
  };
  if (error) return <ErrorState error={error} onRetry={refetch} />;
  const self = one?.name === me.name;
  return (
    <>
      <CommandBar
        label="Users"
        commands={[
          { label: "Add user", icon: <PersonAdd20Regular />, onClick: () => setAsked("new") },
          { label: "Edit", icon: <PersonEdit20Regular />, onClick: () => setAsked("edit"), disabled: !one, apart: true },
          { label: "Reset password", icon: <Key20Regular />, onClick: () => setAsked("reset"), disabled: one?.source !== "local" },
          { label: one && !one.enabled ? "Enable" : "Disable", icon: <PersonProhibited20Regular />, onClick: enable, disabled: !one || self },
          { label: "Delete", icon: <Delete20Regular />, onClick: () => setAsked("delete"), disabled: !one || self },
        ]}
      />
      <DataTable
        label="Users"
        columns={COLUMNS}
        rows={items}
        rowKey={(row) => row.name}
        loading={isPending}
        minWidth={840}
        selected={selected}
        onSelect={setSelected}
        onOpen={(row) => setSelected(new Set([row.name]))}
        empty={<EmptyState title="No user">People sign in with API tokens alone.</EmptyState>}
      />
      {asked === "new" ? <UserForm onClose={close} onMade={setMade} /> : null}
      {asked === "edit" && one ? <UserForm user={one} onClose={close} onMade={setMade} /> : null}
      {asked === "reset" && one ? (
        <ConfirmDialog
          title={`Reset the password of “${one.name}”?`}
          confirm="Reset"
          busy={reset.isPending}
          onConfirm={() =>
            reset.mutate(one.name, { onSuccess: ({ password }) => setMade({ name: one.name, password }), onError: failed, onSettled: close })
          }
          onCancel={close}
        >
          All sessions of the user end at once; the next sign-in needs the new password and must change it.
        </ConfirmDialog>
      ) : null}
      {asked === "delete" && one ? (
        <ConfirmDialog
          title={`Delete the user “${one.name}”?`}
          confirm="Delete"
          busy={remove.isPending}
          onConfirm={() => remove.mutate(one.name, { onSuccess: () => tell("success", "User deleted", one.name), onError: failed, onSettled: close })}
          onCancel={close}
        >
          All sessions of the user end at once. What the user did stays in the audit log.
        </ConfirmDialog>
      ) : null}
      {made ? (
        <SecretDialog title={`The initial password of ${made.name}`} secret={made.password} onClose={() => setMade(null)}>
          The first sign-in must change it.
        </SecretDialog>
      ) : null}
    </>
  );
}

interface FormProps {
  user?: User;
  onClose: () => void;
  onMade: (made: { name: string; password: string }) => void;
}

function UserForm({ user, onClose, onMade }: FormProps) {
  const [name, setName] = useState(user?.name ?? "");
  const [displayName, setDisplayName] = useState(user?.displayName ?? "");
  const [role, setRole] = useState<Role>(user?.role ?? "reader");
  const create = useCreateUser();
  const change = useChangeUser();
  const refused = create.error instanceof ApiError && create.error.field === "name" && create.variables?.name === name ? create.error : null;
  const malformed = name && !/^[a-z0-9][a-z0-9._@-]*$/.test(name) ? "Lower-case letters, digits and . _ @ -, a letter or digit first." : "";
  const problem = malformed || (refused?.message ?? "");
  const submit = () => {
    if (user) change.mutate({ name: user.name, write: { role, displayName, enabled: user.enabled } }, { onSuccess: onClose });
    else {
      create.mutate(
        { name, role, displayName },
        {
          onSuccess: ({ password }) => {
            onClose();
            onMade({ name, password });
          },
        },
      );
    }
  };
  const external = user?.source === "oidc";
  return (
    <FormDialog
      title={user ? `Edit ${user.name}` : "Add a user"}
      submit={user ? "Save" : "Add"}
      disabled={!name || problem !== "" || create.isPending || change.isPending}
      error={refused ? null : (create.error ?? change.error)}
      onSubmit={submit}
      onClose={onClose}
    >
      {external ? <span>Role and name come from the sign-in provider and are renewed at each sign-in.</span> : null}
      <Field label="Name" required validationMessage={problem || null} validationState={problem ? "error" : "none"}>
        <Input value={name} disabled={user !== undefined} maxLength={128} autoComplete="off" onChange={(_, data) => setName(data.value)} />
      </Field>
      <Field label="Display name">
        <Input value={displayName} maxLength={128} autoComplete="off" onChange={(_, data) => setDisplayName(data.value)} />
      </Field>
      <Field label="Role" hint={role === "admin" ? "Sees and changes everything." : "Sees rules, events, images and clusters; changes nothing."}>
        <Dropdown value={ROLES[role]} selectedOptions={[role]} onOptionSelect={(_, data) => setRole((data.optionValue ?? "reader") as Role)}>
          {Object.entries(ROLES).map(([key, text]) => (
            <Option key={key} value={key}>
              {text}
            </Option>
          ))}
        </Dropdown>
      </Field>
    </FormDialog>
  );
}

function State({ user }: { user: User }) {
  if (!user.enabled) return <StatusBadge tone="neutral">Disabled</StatusBadge>;
  if (user.mustChangePassword) return <StatusBadge tone="info" title="The next sign-in must change the password">Password to change</StatusBadge>;
  return <StatusBadge tone="good">Active</StatusBadge>;
}

const COLUMNS: readonly Column<User>[] = [
  { key: "name", header: "Name", width: "minmax(144px, 1.4fr)", sortBy: (row) => row.name, render: (row) => row.name },
  { key: "display", header: "Display name", width: "minmax(144px, 1.4fr)", sortBy: (row) => row.displayName, render: (row) => row.displayName || "–" },
  { key: "role", header: "Role", width: "minmax(128px, 1fr)", sortBy: (row) => row.role, render: (row) => ROLES[row.role] },
  { key: "source", header: "Signs in", width: "minmax(120px, 1fr)", sortBy: (row) => row.source, render: (row) => (row.source === "local" ? "With a password" : "At the provider") },
  { key: "state", header: "State", width: "minmax(200px, 1.2fr)", render: (row) => <State user={row} /> },
  { key: "last", header: "Last sign-in", width: "minmax(104px, 0.9fr)", sortBy: (row) => row.lastSignInAt ?? "", render: (row) => <RelativeTime time={row.lastSignInAt || undefined} /> },
];
