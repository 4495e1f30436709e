/**
 * The curves of a chart on a bitmap of their own. What was drawn stays there, so that a frame costs
 * what is new in it and not what a long run has been through; all is drawn anew only when the axes,
 * the size or the choice of curves change.
 */

import type { Stroke } from "./curves";

export interface Line extends Stroke {
  id: string;
  colour: string;
  /** Ascending; both grow at their end, and nothing else of them changes. */
  times: readonly number[];
  values: readonly (number | null)[];
}

/** Where times and values stand on the bitmap, which is in device pixels. */
export interface Place {
  width: number;
  height: number;
  box: { left: number; top: number; width: number; height: number };
  x: readonly [number, number];
  y: readonly [number, number];
  log: boolean;
  /** Device pixels to a CSS pixel. */
  ratio: number;
}

/** How far a line is drawn. */
interface End {
  /** The last row that was looked at; -1 before the first. */
  row: number;
  /** The last row that was drawn; -1 before the first. */
  drawn: number;
  /** Of the path so far: where in its dashes the line goes on. */
  length: number;
}

const START: End = { row: -1, drawn: -1, length: 0 };

export class CurveLayer {
  private readonly bitmap = document.createElement("canvas");
  private readonly context = this.bitmap.getContext("2d")!;
  private key = "";
  private lines: readonly Line[] = [];
  /** How far the lines are on the bitmap, and on the target. */
  private ends: readonly End[] = [];
  private shown: readonly End[] = [];

  /** Bring the bitmap up to date and put it on `target`, which is as large and has no curves. */
  draw(target: CanvasRenderingContext2D, place: Place, lines: readonly Line[]): void {
    if (place.width === 0 || place.height === 0) return;
    if (!this.goesOn(place, lines)) {
      this.bitmap.width = place.width; // which clears it
      this.bitmap.height = place.height;
      this.ends = lines.map(() => START);
    }
    this.key = keyOf(place, lines);
    this.lines = lines;
    this.ends = extend(this.context, place, lines, this.ends);
    this.shown = this.ends;
    target.drawImage(this.bitmap, 0, 0);
  }

  /**
   * Draw on `target`, which is as `draw` left it, what is new since; false, and nothing is drawn,
   * where something else has changed, a value is beyond the axis, or it is the first there is.
   */
  extend(target: CanvasRenderingContext2D, place: Place, lines: readonly Line[]): boolean {
    const all =
      this.goesOn(place, lines) &&
      this.shown.some(({ drawn }) => drawn >= 0) &&
      lines.every((line, index) => isWithin(line, this.shown[index]!.row + 1, place));
    if (all) this.shown = extend(target, place, lines, this.shown);
    return all;
  }

  private goesOn(place: Place, lines: readonly Line[]): boolean {
    return (
      this.key === keyOf(place, lines) &&
      lines.every(({ times, values }, index) => {
        const before = this.lines[index]!;
        return before.times === times && before.values === values;
      })
    );
  }
}

function keyOf(place: Place, lines: readonly Line[]): string {
  const looks = lines.map(({ id, colour, width, dash, alpha }) => [id, colour, width, dash, alpha]);
  return JSON.stringify([place, looks]);
}

/** True where no row from `from` on needs another axis. */
function isWithin({ values }: Line, from: number, { y, log }: Place): boolean {
  for (let row = from; row < values.length; row++) {
    const value = values[row];
    if (isDrawn(value, log) && (value < y[0] || value > y[1])) return false;
  }
  return true;
}

const isDrawn = (value: number | null | undefined, log: boolean): value is number =>
  value !== null && value !== undefined && (!log || value > 0);

function extend(
  context: CanvasRenderingContext2D,
  place: Place,
  lines: readonly Line[],
  ends: readonly End[],
): End[] {
  const { left, top, width, height } = place.box;
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  const next = lines.map((line, index) => extendLine(context, place, line, ends[index]!));
  context.restore();
  return next;
}

function extendLine(context: CanvasRenderingContext2D, place: Place, line: Line, end: End): End {
  const { times, values, colour, width, dash, alpha } = line;
  const rows = thinned(line, end.row + 1, place);
  const next = { ...end, row: times.length - 1 };
  if (rows.length === 0) return next;
  if (end.drawn >= 0) rows.unshift(end.drawn);
  const [toX, toY] = positions(place);
  const dashes = isDense(line, place) ? [] : dash.map((part) => part * place.ratio);
  context.strokeStyle = colour;
  context.lineWidth = width * place.ratio;
  context.lineJoin = "bevel";
  context.globalAlpha = alpha;
  context.setLineDash(dashes);
  context.lineDashOffset = end.length;
  context.beginPath();
  let [before, length] = [null as readonly [number, number] | null, end.length];
  for (const row of rows) {
    const point = [toX(times[row]!), toY(values[row]!)] as const;
    if (before !== null) length += Math.hypot(point[0] - before[0], point[1] - before[1]);
    context.lineTo(...point);
    before = point;
  }
  context.stroke();
  return { ...next, drawn: rows.at(-1)!, length };
}

/**
 * The rows from `from` on that make the line as it is seen: of all that fall on one column of pixels
 * the first, the lowest, the highest and the last. Those without a value are left out.
 */
export function thinned({ times, values }: Pick<Line, "times" | "values">, from: number, place: Place): number[] {
  const [toX] = positions(place);
  const kept: number[] = [];
  let column = NaN;
  let [first, low, high, last] = [-1, -1, -1, -1];
  const close = (): void => {
    if (first < 0) return;
    const [one, other] = low < high ? [low, high] : [high, low];
    for (const row of [first, one, other, last]) if (row !== kept.at(-1)) kept.push(row);
  };
  for (let row = from; row < times.length; row++) {
    const value = values[row];
    if (!isDrawn(value, place.log)) continue;
    const here = Math.floor(toX(times[row]!));
    if (here !== column) {
      close();
      [column, first, low, high] = [here, row, row, row];
    }
    if (value < values[low]!) low = row;
    if (value > values[high]!) high = row;
    last = row;
  }
  close();
  return kept;
}

/** More than one row to a pixel: dashes could not be seen, and are what takes longest to draw. */
function isDense({ times }: Line, place: Place): boolean {
  const [toX] = positions(place);
  return times.length - 1 > toX(times.at(-1)!) - toX(times[0]!);
}

type Scale = (value: number) => number;

function positions({ box, x, y, log }: Place): [Scale, Scale] {
  const scaled = log ? Math.log10 : (value: number) => value;
  const [low, high] = [scaled(y[0]), scaled(y[1])];
  return [
    (time) => box.left + ((time - x[0]) / (x[1] - x[0])) * box.width,
    (value) => box.top + ((high - scaled(value)) / (high - low)) * box.height,
  ];
}
