import { expect, it } from "vitest";

import { columnLink, totalLink } from "./links";

const START = new Date("2026-11-23T08:00:00Z");

it("leads from a column to its own events", () => {
  expect(columnLink(START, 3600, "deny")).toBe(
    "/monitoring?since=2026-11-23T08%3A00%3A00Z&until=2026-11-23T09%3A00%3A00Z&action=deny&grouped=off",
  );
  expect(columnLink(START, 86_400)).toBe("/monitoring?since=2026-11-23T08%3A00%3A00Z&until=2026-11-24T08%3A00%3A00Z&grouped=off");
});

it.each([
  [24, "/monitoring?action=audit&grouped=off"],
  [168, "/monitoring?range=7d&action=audit&grouped=off"],
  [720, "/monitoring?range=30d&action=audit&grouped=off"],
])("leads from the total of %i hours to its events", (hours, wanted) => {
  expect(totalLink(hours, "audit")).toBe(wanted);
});
