/** Makes the uPlot chart of a run's curves in the page's colours. */

import uPlot from "uplot";

import { t } from "../i18n";
import { plain } from "../i18n/numbers";
import { stacked } from "../share/figure";
import type { Band, Drawn, Level } from "./chartData";
import { CurveLayer, type Line, type Place } from "./curveLayer";
import type { Curve } from "./curves";
import { number } from "./format";
import { curveVariable } from "./palette";
import type { MethodState } from "./state";

/** What the chart's cross-hair stands on. */
export interface Reading {
  t: number;
  /** By method: background and analysis. */
  values: ReadonlyMap<string, readonly [number | null, number | null]>;
}

/** A number that somebody published for a method: a line over the times that it is the mean of. */
export interface Mark {
  /** The method's place. */
  index: number;
  value: number;
  from: number;
  text: string;
}

export interface ChartShape {
  /** Each has two lines, background and analysis. */
  curves: readonly Curve[];
  /** Of the vertical axis. */
  title: string;
  log: boolean;
  /** Model time at the right edge. */
  endTime: number;
  marks: readonly Mark[];
}

export interface ChartTies {
  /** The curves that are shown. */
  lines: () => readonly Drawn[];
  /** The row that the cross-hair stands on, null off the chart. */
  onindex: (index: number | null) => void;
  /** Model time at which each method lost the truth, null where it did not. */
  lostAt: () => readonly (number | null)[];
  /** What baselines reach on average, drawn across the chart. */
  levels: () => readonly Level[];
  /** No curve grows any more. */
  ended: () => boolean;
  /** Drawn behind the curves. */
  bands: () => readonly Band[];
}

export interface DrawnChart {
  chart: uPlot;
  /** Show the curves as they are now; where they only went on, no more than that is drawn. */
  update: (data: uPlot.AlignedData) => void;
}

export function drawChart(host: HTMLElement, shape: ChartShape, ties: ChartTies): DrawnChart {
  const style = getComputedStyle(host);
  const font = `${0.8 * parseFloat(style.fontSize)}px ${style.fontFamily}`;
  const inks = inksOf(host, shape.curves);
  const ink = colour(host, "--ink-soft");
  const grid = { stroke: colour(host, "--line"), width: 1 };
  const gridLines = shape.log ? { ...grid, filter: decades } : grid;
  const layer = new CurveLayer();
  const axis = { stroke: ink, font, labelFont: font, grid, ticks: { ...grid, size: 4 } };
  const lines = (): Line[] => linesOf(ties.lines(), inks);
  /** What else is drawn upon the axes when all is. */
  let others = "";
  const othersNow = (): string => JSON.stringify([ties.lostAt(), ties.levels(), ties.ended()]);
  const chart = new uPlot(
    {
      width: host.clientWidth,
      height: host.clientHeight,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
      scales: {
        x: { time: false, range: [0, shape.endTime] },
        y: shape.log ? { distr: 3, log: 10, range: logRange(shape.marks) } : { range: linearRange(shape.marks) },
      },
      axes: [
        { ...axis, label: t("chart.time"), labelSize: 22, size: 34 },
        {
          ...axis,
          grid: gridLines,
          label: shape.title,
          labelSize: 22,
          size: 58,
          values: (_, splits) => splits.map((split) => (split === null ? "" : tick(split))),
        },
      ],
      series: [{}, ...series(shape.curves, inks)],
      hooks: {
        setCursor: [({ cursor }) => ties.onindex(cursor.idx ?? null)],
        drawAxes: [(chart) => drawBands(chart, inks, ties.bands())],
        draw: [
          (chart) => layer.draw(chart.ctx, placeOf(chart, shape.log), lines()),
          (chart) => drawLevels(chart, inks, font, ties.levels()),
          (chart) => ties.lostAt().forEach((t, index) => drawLoss(chart, 2 * index + 2, t)),
          (chart) => drawMarks(chart, shape.marks, host, font),
          () => (others = othersNow()),
        ],
      },
    },
    [[]],
    host,
  );
  /** Nothing else lies upon the curves or moves with them, and nobody reads the newest values. */
  const isBare = (): boolean =>
    shape.marks.length === 0 &&
    ties.levels().length === 0 &&
    ties.bands().length === 0 &&
    (chart.cursor.left ?? -1) < 0 &&
    others === othersNow();
  const update = (data: uPlot.AlignedData): void => {
    const goesOn = isBare() && layer.extend(chart.ctx, placeOf(chart, shape.log), lines());
    chart.setData(data, !goesOn);
  };
  return { chart, update };
}

/** Colours of the curves by their place in the palette, and of what they are drawn on. */
interface Inks {
  of: ReadonlyMap<number, string>;
  paper: string;
}

const inksOf = (host: HTMLElement, curves: readonly Curve[]): Inks => ({
  of: new Map(curves.map(({ colour: place }) => [place, colour(host, curveVariable(place))])),
  paper: paperOf(host),
});

/** An axis is there before its data, so that nothing moves when they come. */
const logRange =
  (marks: readonly Mark[]): uPlot.Range.Function =>
  (_, min, max) => {
    if (!Number.isFinite(min) || !Number.isFinite(max)) return [1e-3, 10];
    const values = [min, max, ...valuesOf(marks)];
    return uPlot.rangeLog(Math.min(...values), Math.max(...values), 10, false);
  };

const linearRange =
  (marks: readonly Mark[]): uPlot.Range.Function =>
  (_, __, max) =>
    Number.isFinite(max) ? [0, Math.max(max, ...valuesOf(marks)) * headroom(marks) || 1] : [0, 1];

const valuesOf = (marks: readonly Mark[]): number[] => marks.map(({ value }) => value);

/** Above the curves there is place for the key to the marks. */
const headroom = (marks: readonly Mark[]): number => 1.06 + 0.07 * marks.length;

const decades = (_: uPlot, splits: number[]): (number | null)[] =>
  splits.map((split) => (Number.isInteger(Number(Math.log10(split).toFixed(9))) ? split : null));

/**
 * Background and analysis of every method, in their order: for the scales and the cross-hair, as
 * `CurveLayer` is what draws them.
 */
function series(curves: readonly Curve[], inks: Inks): uPlot.Series[] {
  return curves.flatMap((curve) => {
    const stroke = inks.of.get(curve.colour)!;
    const one: uPlot.Series = { stroke, points: { show: false }, paths: () => null };
    return [one, { ...one }];
  });
}

const linesOf = (lines: readonly Drawn[], inks: Inks): Line[] =>
  lines.map((line) => ({ ...line, colour: inks.of.get(line.colour) ?? "" }));

function placeOf({ ctx, bbox, scales }: uPlot, log: boolean): Place {
  const ends = ({ min, max }: uPlot.Scale): [number, number] => [min ?? 0, max ?? 1];
  return {
    width: ctx.canvas.width,
    height: ctx.canvas.height,
    box: bbox,
    x: ends(scales["x"]!),
    y: ends(scales["y"]!),
    log,
    ratio: devicePixelRatio,
  };
}

/** Clear areas between the ends of the bands. */
function drawBands(chart: uPlot, inks: Inks, bands: readonly Band[]): void {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.globalAlpha = 0.18;
  for (const { colour: place, points } of bands) {
    ctx.fillStyle = inks.of.get(place) ?? "";
    ctx.beginPath();
    const to = (time: number, value: number): void =>
      ctx.lineTo(chart.valToPos(time, "x", true), chart.valToPos(value, "y", true));
    for (const [time, low] of points) to(time, low);
    for (const [time, , high] of points.toReversed()) to(time, high);
    ctx.fill();
  }
  ctx.restore();
}

/** Lines across the chart, each with its name at the right. */
function drawLevels(chart: uPlot, inks: Inks, font: string, levels: readonly Level[]): void {
  const { ctx, bbox } = chart;
  const ratio = devicePixelRatio;
  const placed = levels
    .map((level) => ({ ...level, y: chart.valToPos(level.value, "y", true) / ratio }))
    .filter(({ y }) => y * ratio >= bbox.top && y * ratio <= bbox.top + bbox.height);
  ctx.save();
  ctx.scale(ratio, ratio);
  ctx.font = font;
  ctx.textAlign = "right";
  ctx.lineJoin = "round";
  ctx.lineWidth = 1.4;
  const [left, right] = [bbox.left / ratio, (bbox.left + bbox.width) / ratio];
  for (const { label, y, right: shift, colour: place } of stacked(placed, (text) => ctx.measureText(text).width)) {
    ctx.strokeStyle = ctx.fillStyle = inks.of.get(place) ?? "";
    ctx.setLineDash([7, 4]);
    ctx.beginPath();
    ctx.moveTo(left, y);
    ctx.lineTo(right, y);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.strokeStyle = inks.paper;
    ctx.lineWidth = 4; // a rim: the name stays legible upon curves
    ctx.strokeText(label, right - 6 - shift, y - 4);
    ctx.lineWidth = 1.4;
    ctx.fillText(label, right - 6 - shift, y - 4);
  }
  ctx.restore();
}

/** A cross on an analysis curve at the time `t` from which its method had lost the truth. */
function drawLoss(chart: uPlot, series: number, t: number | null): void {
  const row = t === null ? -1 : chart.data[0].findIndex((time) => time >= t);
  const value = chart.data[series]?.[row];
  const { show, stroke } = chart.series[series] ?? {};
  if (value === null || value === undefined || show !== true) return;
  const { ctx } = chart;
  const x = chart.valToPos(chart.data[0][row]!, "x", true);
  const y = chart.valToPos(value, "y", true);
  const arm = 6 * devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = typeof stroke === "function" ? stroke(chart, series) : (stroke ?? "");
  ctx.lineWidth = 2.5 * devicePixelRatio;
  ctx.beginPath();
  for (const slope of [1, -1]) {
    ctx.moveTo(x - arm, y - slope * arm);
    ctx.lineTo(x + arm, y + slope * arm);
  }
  ctx.stroke();
  ctx.restore();
}

/** Lines in the colours of their methods, with a key to them in the upper right corner. */
function drawMarks(chart: uPlot, marks: readonly Mark[], host: HTMLElement, font: string): void {
  const shown = marks.filter(({ index }) => chart.series[2 * index + 2]?.show === true);
  if (shown.length === 0) return;
  const { ctx, bbox } = chart;
  const surface = colour(host, "--surface");
  const right = bbox.left + bbox.width;
  ctx.save();
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  let size = parseFloat(font) * devicePixelRatio;
  const inFont = () => font.replace(/^[\d.]+/, String(size));
  ctx.font = inFont();
  const wanted = Math.max(...shown.map(({ text }) => ctx.measureText(text).width)) + 4 * size;
  const width = Math.min(wanted, bbox.width);
  size *= width / wanted;
  ctx.font = inFont();
  for (const { index, value, from } of shown) {
    const height = chart.valToPos(value, "y", true);
    const left = Math.max(bbox.left, chart.valToPos(from, "x", true));
    drawMark(ctx, [left, right], height, colour(host, curveVariable(index)), surface);
  }
  ctx.fillStyle = surface;
  ctx.fillRect(right - width, bbox.top, width, 1.5 * size * (shown.length + 0.3));
  shown.forEach(({ index, text }, row) => {
    const height = bbox.top + 1.5 * size * (row + 0.65);
    const sample = [right - width + size / 2, right - width + 2.7 * size] as const;
    drawMark(ctx, sample, height, colour(host, curveVariable(index)), surface);
    ctx.fillStyle = colour(host, "--ink");
    ctx.fillText(text, right - width + 3.3 * size, height);
  });
  ctx.restore();
}

/** Dots on a band that parts them from the curves. */
function drawMark(
  ctx: CanvasRenderingContext2D,
  [left, right]: readonly [number, number],
  height: number,
  stroke: string,
  surface: string,
): void {
  const unit = devicePixelRatio;
  for (const [style, width, dash] of [
    [surface, 6 * unit, []],
    [stroke, 3 * unit, [3 * unit, 3 * unit]],
  ] as const) {
    ctx.strokeStyle = style;
    ctx.lineWidth = width;
    ctx.setLineDash([...dash]);
    ctx.beginPath();
    ctx.moveTo(left, height);
    ctx.lineTo(right, height);
    ctx.stroke();
  }
}

/** The values of all curves at a row of the data. */
export function reading(chart: uPlot, index: number, methods: readonly MethodState[]): Reading {
  const at = (series: number): number | null => chart.data[series]?.[index] ?? null;
  const pairs = methods.map(({ id }, i) => [id, [at(2 * i + 1), at(2 * i + 2)]] as const);
  return { t: at(0) ?? 0, values: new Map(pairs) };
}

const tick = (value: number): string =>
  value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e4)
    ? number(value).replace(/[.,]?0+(?=e)/, "")
    : plain(Number(value.toPrecision(6)));

/** The colour that a chart stands on. */
export const paperOf = (element: Element): string =>
  getComputedStyle(element.closest(".card") ?? document.documentElement).backgroundColor;

/** A custom property as a colour that a canvas understands, in the colours now in force. */
export function colour(host: HTMLElement, variable: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${variable})`;
  host.append(probe);
  const resolved = getComputedStyle(probe).color;
  probe.remove();
  return resolved;
}
