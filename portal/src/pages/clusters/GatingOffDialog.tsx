import { ProofDialog } from "../../app/ProofDialog";
import { useTell } from "../../app/toasts";
import { useGating } from "./data";

/** Switches gating off, once whoever is there has proved anew who that is. */
export function GatingOffDialog({ name, onClose }: { name: string; onClose: () => void }) {
  const change = useGating();
  const tell = useTell();
  const confirm = (password: string) =>
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
    <ProofDialog
      title={`Switch gating of “${name}” off?`}
      confirm="Switch off"
      busy={change.isPending}
      error={change.error}
      onConfirm={confirm}
      onCancel={onClose}
    >
      The gate will admit everything there, whatever the rules say, until gating is switched on again. It stands in the audit log that you
      did it.
    </ProofDialog>
  );
}
