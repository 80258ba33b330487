import { useMemo, useState } from "react";

/** A field is left as the mouse goes down: a message shown at once would move what is being clicked. */
const CLICK_MS = 200;

export interface Touched {
  has: (field: string) => boolean;
  add: (field: string) => void;
}

/** Which fields somebody left once: an empty field is wrong only afterwards. */
export function useTouched(all: boolean): Touched {
  const [fields, setFields] = useState<ReadonlySet<string>>(new Set());
  return useMemo(
    () => ({
      has: (field) => all || fields.has(field),
      add: (field) => {
        const mark = () => setFields((before) => (before.has(field) ? before : new Set(before).add(field)));
        window.setTimeout(mark, CLICK_MS);
      },
    }),
    [all, fields],
  );
}
