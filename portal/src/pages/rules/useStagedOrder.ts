import { useMemo, useState } from "react";

import { ApiError } from "../../api/client";
import { useTell } from "../../app/toasts";
import { useSaveOrder } from "./data";
import type { RuleRecord } from "./form";
import { basisOf, fitOrder, moveTo, type Staged } from "./order";

/** The order as it is staged on this page, until it is saved as a whole or discarded. */
export function useStagedOrder(rules: readonly RuleRecord[], etag: string) {
  const [staged, setStaged] = useState<Staged | null>(null);
  const tell = useTell();
  const saving = useSaveOrder();
  const saved = useMemo(() => rules.map((rule) => rule.id), [rules]);
  const order = useMemo(() => (staged ? fitOrder(staged.ids, rules) : saved), [staged, rules, saved]);
  const moved = order.join() !== saved.join();
  const conflict = moved && saving.error instanceof ApiError && saving.error.status === 412 ? saving.error : null;

  const move = (id: string, over: string) =>
    setStaged({ base: staged?.base ?? saved, etag: staged?.etag ?? etag, ids: moveTo(order, id, over) });
  const reset = () => {
    setStaged(null);
    saving.reset();
  };
  const save = (whatever = false) => {
    if (!staged) return;
    const basis = whatever ? "*" : basisOf(staged, saved, etag);
    saving.mutate(
      { ids: order, etag: basis },
      {
        onSuccess: () => {
          setStaged(null);
          tell("success", "Order saved");
        },
        onError: (error) => {
          if (!(error instanceof ApiError && error.status === 412)) tell("error", "The order was not saved", error.message);
        },
      },
    );
  };
  return { order, moved, move, reset, save, busy: saving.isPending, conflict };
}
