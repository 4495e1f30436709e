/** The methods of a run, or of several laid over each other, as they are drawn and listed. */

import type { MethodState, RunState } from "./state";

export interface Curve extends MethodState {
  /** Place in the palette. */
  colour: number;
  /** Place among the runs that are laid over each other; 0 for a run alone. */
  run: number;
  /** A baseline: a line that a filter must beat. */
  reference: boolean;
  /** Its background is drawn beside its analysis. */
  background: boolean;
}

/** In the order of the request. */
export function curvesOf(run: RunState, baselines: readonly string[]): Curve[] {
  return run.methods.map((method, colour) => {
    const reference = baselines.includes(method.name);
    return { ...method, colour, run: 0, reference, background: !reference };
  });
}

/** A, B, C … of runs that are laid over each other. */
export const letter = (run: number): string => String.fromCharCode(65 + (run % 26));

/**
 * The same instance has the same colour in each run, and each run lines of its own; only analyses
 * are drawn. A run that is not there (yet) keeps its letter.
 */
export function overlaid(
  runs: readonly (RunState | null)[],
  baselines: readonly string[],
): Curve[] {
  const colours = new Map<string, number>();
  return runs.flatMap((state, run) =>
    (state?.methods ?? []).map((method) => {
      const instance = `${method.id}\n${method.name}`;
      if (!colours.has(instance)) colours.set(instance, colours.size);
      return {
        ...method,
        id: `${letter(run)}.${method.id}`,
        label: `${letter(run)} · ${method.label}`,
        colour: colours.get(instance)!,
        run,
        reference: baselines.includes(method.name),
        background: false,
      };
    }),
  );
}

/** How a line is drawn: width in CSS pixels, dashes in the same. */
export interface Stroke {
  width: number;
  dash: readonly number[];
  alpha: number;
}

const DASHES: readonly (readonly number[])[] = [[], [9, 4], [9, 3, 2, 3], [4, 3], [14, 4, 2, 4, 2, 4]];

export function strokeOf({ reference, run }: Curve, part: "analysis" | "background"): Stroke {
  if (part === "background") return { width: 1.1, dash: [5, 4], alpha: 0.8 };
  if (reference) return { width: 1.2, dash: [1.5, 3], alpha: 0.75 };
  return { width: 2, dash: DASHES[run % DASHES.length]!, alpha: 1 };
}
