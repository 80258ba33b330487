import { useMemo, useState } from "react";

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
      add: (field) => setFields((before) => (before.has(field) ? before : new Set(before).add(field))),
    }),
    [all, fields],
  );
}
