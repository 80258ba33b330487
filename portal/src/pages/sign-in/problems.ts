/** The parameter in which the hub says why a sign-in at the provider failed. */
export const SIGN_IN_ERROR = "signInError";

const WORDS: Record<string, string> = {
  denied: "The provider refused the sign-in, or it was given up there. Ask whether the application is assigned to you.",
  expired: "The sign-in took longer than ten minutes, or was begun in another browser. Try it again.",
  role: "You are known at the provider, but have no role here. Ask an administrator for one.",
  disabled: "Your user is disabled here. Ask an administrator to enable it.",
  unavailable: "The provider did not answer as it should. Try it again in a moment; the hub\u2019s log says more.",
  untrusted: "What the provider sent does not prove who you are. An administrator finds the reason in the hub\u2019s log.",
  limited: "Too many sign-ins from your address failed. Wait a quarter of an hour.",
};

/** Returns why a sign-in failed, in words of our own: anybody can write a link that says anything. */
export function problemWords(params: URLSearchParams): string {
  const problem = params.get(SIGN_IN_ERROR);
  if (problem === null) return "";
  return Object.hasOwn(WORDS, problem) ? (WORDS[problem] ?? "") : "The sign-in at the provider failed. Try it again.";
}
