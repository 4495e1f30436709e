/** A score over one setting as an SVG document of its own: a point for each value. */

import { svgDocument, text, tickText, type Drawing, type FigureColours } from "./svg";
import { finerTicks, type Range } from "./ticks";

export interface ScorePoint {
  x: number;
  y: number;
  /** Standard error; null where it is not known. */
  error: number | null;
  lost: boolean;
  best: boolean;
}

export interface ScoreCurve {
  title: string;
  /** What the experiment was, below the title. */
  subtitle: string;
  /** `ticks`: what is written where, below the axis. */
  x: { label: string; range: Range; ticks: readonly (readonly [number, string])[] };
  /** Logarithmic. */
  y: { label: string; range: Range };
  points: readonly ScorePoint[];
  key: string;
  source: string;
  colours: FigureColours & { curve: string };
}

const WIDTH = 960;
const TOP = 76;
const LEFT = 78;
const RIGHT = 24;
const PLOT_HEIGHT = 380;

export function drawScoreCurve(curve: ScoreCurve): Drawing {
  const { x, y, colours, points } = curve;
  const width = WIDTH - LEFT - RIGHT;
  const bottom = TOP + PLOT_HEIGHT;
  const px = (value: number): number => LEFT + ((value - x.range[0]) / (x.range[1] - x.range[0])) * width;
  const py = (value: number): number => bottom - logShare(value, y.range) * PLOT_HEIGHT;
  const xTicks = x.ticks.map(
    ([value, content]) =>
      `<path d="M${px(value).toFixed(1)} ${bottom}v5" stroke="${colours.soft}"/>` +
      text(px(value), bottom + 20, content, colours.soft, 12, "middle"),
  );
  const yTicks = finerTicks(y.range).map(
    (value) =>
      `<path d="M${LEFT} ${py(value).toFixed(1)}H${LEFT + width}" stroke="${colours.grid}"/>` +
      text(LEFT - 8, py(value) + 4, tickText(value), colours.soft, 12, "end"),
  );
  const line = points.map((point) => `${px(point.x).toFixed(1)} ${py(point.y).toFixed(1)}`).join("L");
  const height = bottom + 104;
  const body = `${text(LEFT, 32, curve.title, colours.ink, 20, "start", 'font-weight="600"')}
${text(LEFT, 54, curve.subtitle, colours.soft, 13, "start")}
${[...yTicks, ...xTicks].join("\n")}
<path d="M${LEFT} ${TOP}V${bottom}H${LEFT + width}" fill="none" stroke="${colours.soft}"/>
<path class="curve" d="${line === "" ? "" : `M${line}`}" fill="none" stroke="${colours.curve}" stroke-width="2" stroke-linejoin="round"/>
${points.map((point) => marked(point, px(point.x), py, colours)).join("\n")}
${text(LEFT + width / 2, bottom + 42, x.label, colours.soft, 13, "middle")}
${text(0, 0, y.label, colours.soft, 13, "middle", `transform="translate(22 ${TOP + PLOT_HEIGHT / 2}) rotate(-90)"`)}
${text(LEFT, bottom + 66, curve.key, colours.ink, 13, "start")}
${text(LEFT, height - 14, curve.source, colours.soft, 11, "start")}`;
  return svgDocument(curve.title, colours.paper, { width: WIDTH, height }, body);
}

/** Of the way up a logarithmic axis; what is below it is on its foot. */
export const logShare = (value: number, [low, high]: Range): number =>
  Math.log(Math.max(value, low) / low) / Math.log(high / low);

function marked(
  { y, error, lost, best }: ScorePoint,
  x: number,
  py: (value: number) => number,
  colours: ScoreCurve["colours"],
): string {
  const at = py(y);
  const bar =
    error === null ? "" : `<path class="error" d="M${x.toFixed(1)} ${py(y - error).toFixed(1)}V${py(y + error).toFixed(1)}" stroke="${colours.curve}" stroke-width="1.5"/>`;
  const ring = best ? `<circle class="best" cx="${x.toFixed(1)}" cy="${at.toFixed(1)}" r="9" fill="none" stroke="${colours.ink}" stroke-width="2.5"/>` : "";
  if (!lost) return `${bar}<circle cx="${x.toFixed(1)}" cy="${at.toFixed(1)}" r="4" fill="${colours.curve}"/>${ring}`;
  const [left, right, up, down] = [x - 6, x + 6, at - 6, at + 6].map((end) => end.toFixed(1));
  return `${bar}<path class="lost" d="M${left} ${up}L${right} ${down}M${left} ${down}L${right} ${up}" stroke="${colours.curve}" stroke-width="2.5"/>`;
}
