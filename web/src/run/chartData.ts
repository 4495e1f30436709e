/** The columns of a run's methods as aligned data: one shared axis of times, one array per curve. */

import type { SeriesName } from "../stream/events";
import type { MethodState } from "./state";

export const QUANTITIES = ["error", "rmse", "spread"] as const;
export type Quantity = (typeof QUANTITIES)[number];

const PAIRS: Record<Quantity, { analysis: SeriesName; background: SeriesName }> = {
  error: { analysis: "error_a", background: "error_b" },
  rmse: { analysis: "rmse_analysis", background: "rmse_background" },
  spread: { analysis: "spread_analysis", background: "spread_background" },
};

export type Column = (number | null)[];
/** [times, background and analysis of the first method, of the second ...]. */
export type Aligned = [number[], ...Column[]];

/**
 * Methods interleave, and a long run is thinned, so the methods' steps may differ: a curve is null
 * where its method has no value (yet). On a log axis what is not positive is left out too.
 */
export function align(methods: readonly MethodState[], quantity: Quantity, log: boolean): Aligned {
  const { analysis, background } = PAIRS[quantity];
  const steps = unionOfSteps(methods);
  const times: number[] = new Array<number>(steps.length);
  const columns = methods.flatMap(({ columns }) => {
    const pair: [Column, Column] = [[], []];
    let row = 0;
    steps.forEach((step, i) => {
      const present = columns.step[row] === step;
      if (present) times[i] = columns.t[row]!;
      pair[0].push(present ? shown(columns[background][row], log) : null);
      pair[1].push(present ? shown(columns[analysis][row], log) : null);
      if (present) row += 1;
    });
    return pair;
  });
  return [times, ...columns];
}

function shown(value: number | null | undefined, log: boolean): number | null {
  if (value === null || value === undefined) return null;
  return log && value <= 0 ? null : value;
}

function unionOfSteps(methods: readonly MethodState[]): readonly number[] {
  const longest = methods.reduce<readonly number[]>(
    (best, { columns }) => (columns.step.length > best.length ? columns.step : best),
    [],
  );
  const known = new Set(longest);
  const missing = methods.flatMap(({ columns }) => columns.step.filter((step) => !known.has(step)));
  if (missing.length === 0) return longest;
  return [...new Set([...longest, ...missing])].sort((a, b) => a - b);
}
