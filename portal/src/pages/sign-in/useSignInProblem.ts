import { useEffect, useState } from "react";
import { useSearchParams } from "react-router";

import { SIGN_IN_ERROR, problemWords } from "./problems";

/**
 * Returns why a sign-in at the provider failed, and takes it out of the address: what comes next
 * begins there, and must not be told again.
 */
export function useSignInProblem(): string {
  const [params, setParams] = useSearchParams();
  const told = problemWords(params);
  const [kept, setKept] = useState(told);
  if (told && told !== kept) setKept(told);
  useEffect(() => {
    if (!told) return;
    setParams(
      (before) => {
        before.delete(SIGN_IN_ERROR);
        return before;
      },
      { replace: true },
    );
  }, [told, setParams]);
  return kept;
}
