import { useCallback } from "react";
import { useSearchParams } from "react-router";

/** A value kept in the address, so that it survives a reload and can be sent to a colleague. */
export function useParam(name: string, fallback = ""): [string, (value: string) => void] {
  const [params, setParams] = useSearchParams();
  const change = useCallback(
    (value: string) =>
      setParams(
        (before) => {
          if (value && value !== fallback) before.set(name, value);
          else before.delete(name);
          return before;
        },
        { replace: true },
      ),
    [name, fallback, setParams],
  );
  return [params.get(name) ?? fallback, change];
}
