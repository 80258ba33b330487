import { useEffect, useState } from "react";

/** Gives the focus back to where it was before a panel or dialog took it: what lies below is hidden from screen readers until it has it. */
export function useFocusBack() {
  const [before] = useState(() => document.activeElement);
  useEffect(
    () => () => {
      window.setTimeout(() => {
        if (before instanceof HTMLElement && before.isConnected) before.focus();
      });
    },
    [before],
  );
}
