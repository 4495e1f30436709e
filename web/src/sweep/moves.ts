/** Ways over the map by keyboard. */

const STEPS: Readonly<Record<string, readonly [row: number, column: number]>> = {
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
};

/** The cell that a key leads to from this one; null where it leads nowhere. */
export function movedTo(cell: number, key: string, rows: number, columns: number): number | null {
  const [row, column] = [Math.floor(cell / columns), cell % columns];
  if (key === "Home") return row * columns;
  if (key === "End") return row * columns + columns - 1;
  const step = STEPS[key];
  if (step === undefined) return null;
  const [down, right] = [row + step[0], column + step[1]];
  if (down < 0 || down >= rows || right < 0 || right >= columns) return null;
  return down * columns + right;
}
