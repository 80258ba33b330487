/** One column of the chart, lowest part first. */
export interface Column {
  start: Date;
  parts: readonly number[];
  /** Drawn as a line over the columns. */
  line: number;
}

const STEPS = [1, 2, 5] as const;

/** Returns round numbers from 0 to at least `most`, about four of them. */
export function axisTicks(most: number): number[] {
  const step = roundStep(Math.max(most, 4) / 4);
  const count = Math.ceil(Math.max(most, 1) / step);
  return Array.from({ length: Math.max(count, 1) + 1 }, (_, place) => place * step);
}

function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const fitting = STEPS.map((step) => step * power).find((step) => step >= least);
  return Math.max(1, fitting ?? 10 * power);
}

/** Returns the places of at most `most` labels, evenly apart, the newest labelled. */
export function labelPlaces(count: number, most: number): number[] {
  const every = Math.max(1, Math.ceil(count / Math.max(1, most)));
  const places: number[] = [];
  for (let place = count - 1; place >= 0; place -= every) places.unshift(place);
  return places;
}

/** Returns the length of a column. */
export const total = (column: Column): number => column.parts.reduce((sum, part) => sum + part, 0);

export interface Bar {
  y: number;
  height: number;
}

/** Returns where a column's parts lie, stacked from the bottom, in a plot `height` high with `top` as its highest value. */
export function stack(parts: readonly number[], top: number, height: number): Bar[] {
  let below = 0;
  return parts.map((part) => {
    const from = (below / top) * height;
    below += part;
    const to = (below / top) * height;
    return { y: height - to, height: to - from };
  });
}
