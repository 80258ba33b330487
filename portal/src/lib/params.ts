import { useCallback } from "react";
import { useSearchParams } from "react-router";

/** The parameters of the address, and a way to change some of them; an empty value takes one out. */
export function useParamState() {
  const [params, setParams] = useSearchParams();
  const set = useCallback(
    (changes: Record<string, string>, options: { push?: boolean } = {}) =>
      setParams(
        (before) => {
          for (const [name, value] of Object.entries(changes)) {
            if (value) before.set(name, value);
            else before.delete(name);
          }
          return before;
        },
        { replace: !options.push },
      ),
    [setParams],
  );
  return { params, get: (name: string) => params.get(name) ?? "", set };
}

/** One value of the address, and its setter; `fallback` stands for it where it is absent. */
export function useParam(name: string, fallback = ""): [string, (value: string) => void] {
  const { get, set } = useParamState();
  const change = useCallback((value: string) => set({ [name]: value === fallback ? "" : value }), [name, fallback, set]);
  return [get(name) || fallback, change];
}
