import { expect, it } from "vitest";

import { axisTicks, labelPlaces, stack } from "./chart";

it.each([
  [0, [0, 1]],
  [3, [0, 1, 2, 3]],
  [9, [0, 5, 10]],
  [97, [0, 50, 100]],
  [1234, [0, 500, 1000, 1500]],
])("has whole, round ticks up to at least %i", (most, ticks) => {
  expect(axisTicks(most)).toEqual(ticks);
});

it("labels the newest column and others evenly before it", () => {
  expect(labelPlaces(24, 8)).toEqual([2, 5, 8, 11, 14, 17, 20, 23]);
  expect(labelPlaces(3, 10)).toEqual([0, 1, 2]);
  expect(labelPlaces(0, 4)).toEqual([]);
});

it("stacks parts from the bottom without gaps", () => {
  expect(stack([1, 2, 1], 4, 100)).toEqual([
    { y: 75, height: 25 },
    { y: 25, height: 50 },
    { y: 0, height: 25 },
  ]);
});
