import { expect, it } from "vitest";

import { isOld } from "./feed";

const NOW = new Date("2026-11-23T09:00:00Z");

it.each([
  ["2026-11-23T08:55:00Z", false],
  ["2026-11-23T08:54:59Z", true],
  ["2026-11-23T09:01:00Z", false],
  ["", false],
  [undefined, false],
])("a feed whose last batch came at %s is old: %s", (feedAt, old) => {
  expect(isOld(feedAt, NOW)).toBe(old);
});
