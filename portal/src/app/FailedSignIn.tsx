import { useEffect } from "react";

import { useSignInProblem } from "../pages/sign-in/useSignInProblem";
import { useTell } from "./toasts";

/** Tells of a sign-in at the provider that failed although somebody is signed in. */
export function FailedSignIn() {
  const problem = useSignInProblem();
  const tell = useTell();
  useEffect(() => {
    if (problem) tell("error", "The sign-in did not work", problem);
  }, [problem, tell]);
  return null;
}
