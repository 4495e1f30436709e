/** A sweep's map, or its curve over one setting, as a figure to take away. */

import type { SweepAxis } from "../api/types";
import { t } from "../i18n";
import { number } from "../run/format";
import { drawHeatMap, type HeatCell } from "../share/heatMap";
import { drawScoreCurve, type ScoreCurve } from "../share/scoreCurve";
import type { Drawing } from "../share/svg";
import { best, colours, ends, table, type Cell } from "./cells";
import { cellText, valueText } from "./names";
import { places, scorePoints, scoreRange } from "./score";

export interface SweepFigure {
  title: string;
  /** What the experiment was. */
  subtitle: string;
  source: string;
  /** Of the score. */
  label: string;
  axes: readonly SweepAxis[];
  /** Of the axes: as a sentence has them, and with their units. */
  names: readonly string[];
  labels: readonly string[];
  cells: readonly Cell[];
  colours: ScoreCurve["colours"];
}

/** Of the colour scale. */
const NUMBERS = 5;
const MOST_TICKS = 12;

/** null where no cell has a score yet. */
export function sweepDrawing(figure: SweepFigure): Drawing | null {
  if (ends(figure.cells) === null) return null;
  return figure.axes.length > 1 ? heatMap(figure) : curve(figure);
}

function heatMap({ axes, labels, cells, label, ...rest }: SweepFigure): Drawing {
  const range = ends(cells)!;
  const winner = best(cells);
  const drawn = (cell: Cell | undefined): HeatCell => {
    const paint = colours(cell?.rmse ?? null, range);
    return {
      fill: paint?.[0] ?? null,
      ink: paint?.[1] ?? rest.colours.ink,
      text: paint === null ? "" : number(cell!.rmse, 2),
      lost: cell?.status === "diverged",
      best: cell !== undefined && cell === winner,
    };
  };
  const [y, x] = axes.map(({ values }, k) => ({ label: labels[k]!, values: values.map(valueText) }));
  return drawHeatMap({
    ...rest,
    x: x!,
    y: y!,
    rows: table(axes, cells).map((row) => row.map(drawn)),
    scale: { label: t("sweep.figure.scale", { label }), numbers: spaced(range).map((at) => number(at, 2)) },
    key: keyOf(rest.names, cells, t("sweep.figure.frame")),
  });
}

function curve({ axes, labels, cells, label, ...rest }: SweepFigure): Drawing {
  const axis = axes[0]!;
  const points = scorePoints(axis, cells);
  const every = Math.ceil(axis.values.length / MOST_TICKS);
  const at = places(axis);
  const ticks = at
    .map((x, k) => [x, valueText(axis.values[k]!)] as const)
    .filter((_, k) => k % every === 0);
  const [first, last] = [Math.min(...at), Math.max(...at)];
  const margin = 0.03 * (last - first) || 0.5;
  return drawScoreCurve({
    ...rest,
    x: { label: labels[0]!, range: [first - margin, last + margin], ticks },
    y: { label, range: scoreRange(points) },
    points,
    key: keyOf(rest.names, cells, t("sweep.figure.ring")),
  });
}

/** Which cell is the best, and what a cross says where there is one. */
function keyOf(names: readonly string[], cells: readonly Cell[], mark: string): string {
  const winner = best(cells);
  const said =
    winner === null
      ? []
      : [t("sweep.figure.best", { mark, values: cellText(names, winner.values), rmse: number(winner.rmse, 3) })];
  const lost = cells.some(({ status }) => status === "diverged") ? [t("figure.key.lost")] : [];
  return [...said, ...lost].join(" · ");
}

/** Numbers at equal distances on a logarithmic scale, both ends included. */
const spaced = ([low, high]: readonly [number, number]): number[] =>
  high > low
    ? Array.from({ length: NUMBERS }, (_, k) => low * (high / low) ** (k / (NUMBERS - 1)))
    : [low];
