import { useEffect, useState } from "react";

/**
 * Gives the focus back to where it was before a panel or dialog took it, else to the page: what lies
 * below is hidden from screen readers until it has it.
 */
export function useFocusBack() {
  const [before] = useState(() => document.activeElement);
  useEffect(
    () => () => {
      window.setTimeout(() => {
        if (before instanceof HTMLElement && before.isConnected) before.focus();
        // What had it is gone, or nothing can be done with it any more.
        if (document.activeElement === document.body) document.getElementById("content")?.focus();
      });
    },
    [before],
  );
}
