import { describe, expect, it } from "vitest";

import { problemWords } from "./problems";

describe("a sign-in that failed", () => {
  it.each(["denied", "expired", "role", "disabled", "unavailable", "untrusted", "limited"])("for %s is told in words of its own", (problem) => {
    const words = problemWords(new URLSearchParams({ signInError: problem }));
    expect(words).toMatch(/^[A-Z].*\.$/);
    expect(words).not.toBe(problemWords(new URLSearchParams("signInError=other")));
  });

  it.each(["<b>Call 555-0100</b>", "constructor", ""])("shows nothing of what a link says: %s", (problem) => {
    expect(problemWords(new URLSearchParams({ signInError: problem }))).toBe("The sign-in at the provider failed. Try it again.");
  });

  it("is not told where none failed", () => {
    expect(problemWords(new URLSearchParams("range=7d"))).toBe("");
  });
});
