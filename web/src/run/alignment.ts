/** The columns of a run's methods as aligned data: one shared axis of times, one array per curve. */

import { PAIRS, shown, type Column, type Quantity } from "./chartData";
import type { Columns, MethodState } from "./state";

/** [times, background and analysis of the first method, of the second ...]. */
export type Aligned = [number[], ...Column[]];

/**
 * Methods interleave, a long run is thinned, and runs that are laid over each other may have other
 * intervals, so the methods' times may differ: a curve is null where its method has no value (yet).
 * On a log axis what is not positive is left out too.
 *
 * As columns only grow, what is aligned stays so, and another call costs what is new; the arrays of
 * the answer before grow with it.
 */
export class Aligner {
  private of: { columns: readonly Columns[]; quantity: Quantity; log: boolean } | null = null;
  private times: number[] = [];
  /** By method: background and analysis. */
  private pairs: [Column, Column][] = [];
  /** By method: the rows that are aligned, and the place among the times of the last of them. */
  private ends: { rows: number; place: number }[] = [];

  align(methods: readonly MethodState[], quantity: Quantity, log: boolean): Aligned {
    const columns = methods.map((method) => method.columns);
    const before = this.of;
    const goesOn =
      before?.quantity === quantity &&
      before.log === log &&
      before.columns.length === columns.length &&
      columns.every((one, index) => one === before.columns[index]);
    this.of = { columns, quantity, log };
    if (!goesOn || !this.extend(columns, quantity, log)) {
      this.times = [];
      this.pairs = columns.map(() => [[], []]);
      this.ends = columns.map(() => ({ rows: 0, place: 0 }));
      this.extend(columns, quantity, log);
    }
    return [this.times, ...this.pairs.flat()];
  }

  /** False where a new row belongs between times that are there. */
  private extend(columns: readonly Columns[], quantity: Quantity, log: boolean): boolean {
    const { analysis, background } = PAIRS[quantity];
    this.times.push(...this.newTimes(columns));
    return columns.every((column, index) => {
      const end = this.ends[index]!;
      const pair = this.pairs[index]!;
      for (; end.rows < column.t.length; end.rows++) {
        const time = column.t[end.rows]!;
        while (this.times[end.place]! < time) end.place += 1;
        if (this.times[end.place] !== time) return false;
        put(pair[0], end.place, shown(column[background][end.rows], log));
        put(pair[1], end.place, shown(column[analysis][end.rows], log));
      }
      for (const one of pair) fill(one, this.times.length);
      return true;
    });
  }

  /** Those after the last time, ascending. */
  private newTimes(columns: readonly Columns[]): number[] {
    const last = this.times.at(-1) ?? -Infinity;
    const found = new Set<number>();
    columns.forEach(({ t }, index) => {
      for (let row = this.ends[index]!.rows; row < t.length; row++) if (t[row]! > last) found.add(t[row]!);
    });
    return [...found].sort((a, b) => a - b);
  }
}

function put(column: Column, place: number, value: number | null): void {
  fill(column, place);
  column[place] = value;
}

/** Nothing is known up to there. */
function fill(column: Column, length: number): void {
  while (column.length < length) column.push(null);
}
