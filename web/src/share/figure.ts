/** A chart of curves as an SVG document of its own: pure, from data, ranges and colours. */

import type { Stroke } from "../run/curves";
import { KEY_NAME, placed, svgDocument, text, textWidth, tickText, type Drawing, type FigureColours } from "./svg";
import { ticks, type Range } from "./ticks";

export interface FigureLine extends Stroke {
  label: string;
  colour: string;
  values: readonly (number | null)[];
  /** Row of the data at which the truth was lost; null: it was not. */
  lostAt: number | null;
}

/** A horizontal line with its name on it. */
export interface FigureLevel {
  label: string;
  colour: string;
  value: number;
}

/** An area between two ends: time, low, high. */
export interface FigureBand {
  colour: string;
  points: readonly (readonly [number, number, number])[];
}

export interface Figure {
  title: string;
  /** What the experiment was, below the title. */
  subtitle: string;
  x: { label: string; range: Range };
  y: { label: string; range: Range; log: boolean };
  times: readonly number[];
  lines: readonly FigureLine[];
  bands: readonly FigureBand[];
  levels: readonly FigureLevel[];
  /** What the kinds of lines mean. */
  key: string;
  /** Where it comes from, at the foot. */
  source: string;
  colours: FigureColours;
}

export const FIGURE_WIDTH = 960;
const TOP = 76;
const LEFT = 78;
const RIGHT = 24;
const PLOT_HEIGHT = 420;
const LEGEND_ROW = 22;

export function drawFigure(figure: Figure): Drawing {
  const { x, y, colours } = figure;
  const width = FIGURE_WIDTH - LEFT - RIGHT;
  const bottom = TOP + PLOT_HEIGHT;
  const px = (value: number): number => LEFT + part(value, x.range, false) * width;
  const py = (value: number): number => bottom - part(value, y.range, y.log) * PLOT_HEIGHT;
  const legend = legendOf(figure.lines);
  const height = bottom + 62 + legend.rows * LEGEND_ROW + 34;
  const xTicks = ticks(x.range, false).map(
    (value) =>
      `<path d="M${px(value).toFixed(1)} ${TOP}V${bottom}" stroke="${colours.grid}"/>` +
      text(px(value), bottom + 18, tickText(value), colours.soft, 12, "middle"),
  );
  const yTicks = ticks(y.range, y.log).map(
    (value) =>
      `<path d="M${LEFT} ${py(value).toFixed(1)}H${LEFT + width}" stroke="${colours.grid}"/>` +
      text(LEFT - 8, py(value) + 4, tickText(value), colours.soft, 12, "end"),
  );
  const lines = figure.lines.map((line) => {
    const cross = line.lostAt === null ? "" : crossAt(line, px(figure.times[line.lostAt]!), py);
    return `<path class="curve" d="${path(figure.times, line.values, px, py)}" ${strokeText(line)}/>${cross}`;
  });
  const bands = figure.bands.map(({ colour, points }) => {
    const low = points.map(([time, value]) => `${px(time).toFixed(1)} ${py(value).toFixed(1)}`);
    const high = points.map(([time, , value]) => `${px(time).toFixed(1)} ${py(value).toFixed(1)}`);
    const outline = [...low, ...high.toReversed()].join("L");
    return `<path class="band" d="M${outline}Z" fill="${colour}" fill-opacity="0.18"/>`;
  });
  const rim = `style="paint-order: stroke; stroke: ${colours.paper}; stroke-width: 4px; stroke-linejoin: round"`;
  const levels = stacked(figure.levels.map((level) => ({ ...level, y: py(level.value) }))).map(
    ({ label, colour, y: at, right }) =>
      `<path class="level" d="M${LEFT} ${at.toFixed(1)}H${LEFT + width}" stroke="${colour}" stroke-width="1.4" stroke-dasharray="7 4"/>` +
      text(LEFT + width - 6 - right, at - 5, label, colour, 12, "end", rim),
  );
  const entries = legend.places.map(
    ({ left, row, ...line }) =>
      `<path d="M${left} ${bottom + 62 + row * LEGEND_ROW}h26" ${strokeText(line)}/>` +
      text(left + KEY_NAME, bottom + 66 + row * LEGEND_ROW, line.label, colours.ink, 13, "start"),
  );
  const body = `${text(LEFT, 32, figure.title, colours.ink, 20, "start", 'font-weight="600"')}
${text(LEFT, 54, figure.subtitle, colours.soft, 13, "start")}
${[...xTicks, ...yTicks].join("\n")}
<clipPath id="plot"><rect x="${LEFT}" y="${TOP}" width="${width}" height="${PLOT_HEIGHT}"/></clipPath>
<g clip-path="url(#plot)" fill="none" stroke-linejoin="round">
${[...bands, ...lines].join("\n")}
</g>
<g fill="none">${levels.join("\n")}</g>
<path d="M${LEFT} ${TOP}V${bottom}H${LEFT + width}" fill="none" stroke="${colours.soft}"/>
${text(LEFT + width / 2, bottom + 38, x.label, colours.soft, 13, "middle")}
${text(0, 0, y.label, colours.soft, 13, "middle", `transform="translate(22 ${TOP + PLOT_HEIGHT / 2}) rotate(-90)"`)}
${text(LEFT + width, bottom + 38, figure.key, colours.soft, 12, "end")}
<g fill="none">${entries.join("\n")}</g>
${text(LEFT, height - 14, figure.source, colours.soft, 11, "start")}`;
  return svgDocument(figure.title, colours.paper, { width: FIGURE_WIDTH, height }, body);
}

function part(value: number, [low, high]: Range, log: boolean): number {
  return log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
}

/** Gaps are bridged, as on the page. */
function path(
  times: readonly number[],
  values: readonly (number | null)[],
  px: (value: number) => number,
  py: (value: number) => number,
): string {
  const points = values.flatMap((value, row) =>
    value === null ? [] : [`${px(times[row]!).toFixed(1)} ${py(value).toFixed(1)}`],
  );
  return points.length === 0 ? "" : `M${points.join("L")}`;
}

function crossAt({ values, colour, lostAt }: FigureLine, x: number, py: (value: number) => number): string {
  const value = values[lostAt!];
  if (value === null || value === undefined) return "";
  const [left, right, up, down] = [x - 6, x + 6, py(value) - 6, py(value) + 6].map((at) => at.toFixed(1));
  return `<path class="lost" d="M${left} ${up}L${right} ${down}M${left} ${down}L${right} ${up}" stroke="${colour}" stroke-width="2.5"/>`;
}

/** Lines of one label share an entry: the first one's. */
function legendOf(lines: readonly FigureLine[]) {
  const named = lines.filter(({ label }, index) => label !== "" && lines.findIndex((other) => other.label === label) === index);
  return placed(named, [LEFT, FIGURE_WIDTH]);
}

/** Names of levels that lie close to each other stand beside each other: `right` is their place. */
export function stacked<Level extends { label: string; y: number }>(
  levels: readonly Level[],
  width: (label: string) => number = (label) => textWidth(label, 12),
): (Level & { right: number })[] {
  let last = { y: -Infinity, right: 0, label: "" };
  return [...levels]
    .sort((one, other) => one.y - other.y)
    .map((level) => {
      const close = level.y - last.y < 15;
      const right = close ? last.right + width(last.label) + 14 : 0;
      last = { y: level.y, right, label: level.label };
      return { ...level, right };
    });
}

const strokeText = ({ colour, width, dash, alpha }: FigureLine): string =>
  `stroke="${colour}" stroke-width="${width}" stroke-opacity="${alpha}"` +
  (dash.length > 0 ? ` stroke-dasharray="${dash.join(" ")}"` : "");
