import { useEffect, useState } from "react";

/**
 * Gives the focus back to where it was before a panel or dialog took it. If that is gone, the row that
 * the keyboard goes on from has it, else the page: what lies below is hidden from screen readers until
 * something there has it.
 */
export function useFocusBack() {
  const [before] = useState(() => document.activeElement);
  useEffect(
    () => () => {
      window.setTimeout(() => {
        // Another panel came in its place: what that covers cannot have the focus.
        const modal = [...document.querySelectorAll('[aria-modal="true"]')].at(-1);
        if (modal && !modal.contains(before)) return;
        if (before instanceof HTMLElement && before.isConnected) before.focus();
        // What had it is gone, or nothing can be done with it any more.
        if (document.activeElement === document.body) document.querySelector<HTMLElement>(NEXT)?.focus();
        if (document.activeElement === document.body) document.getElementById("content")?.focus();
      });
    },
    [before],
  );
}

const NEXT = '#content [role="row"][tabindex="0"]';
