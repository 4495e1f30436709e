/** Makes the uPlot chart of a run's curves in the page's colours. */

import uPlot from "uplot";

import { t } from "../i18n";
import { number } from "./format";
import { curveVariable } from "./palette";
import type { MethodState } from "./state";

/** What the chart's cross-hair stands on. */
export interface Reading {
  t: number;
  /** By method: background and analysis. */
  values: ReadonlyMap<string, readonly [number | null, number | null]>;
}

export interface ChartShape {
  /** Methods; each has two curves, background and analysis. */
  count: number;
  /** Of the vertical axis. */
  title: string;
  log: boolean;
  /** Model time at the right edge. */
  endTime: number;
}

export interface ChartTies {
  /** The row that the cross-hair stands on, null off the chart. */
  onindex: (index: number | null) => void;
  /** Model time at which each method lost the truth, null where it did not. */
  lostAt: () => readonly (number | null)[];
}

export function drawChart(host: HTMLElement, shape: ChartShape, ties: ChartTies): uPlot {
  const style = getComputedStyle(host);
  const font = `${0.8 * parseFloat(style.fontSize)}px ${style.fontFamily}`;
  const ink = colour(host, "--ink-soft");
  const grid = { stroke: colour(host, "--line"), width: 1 };
  const lines = shape.log ? { ...grid, filter: decades } : grid;
  const axis = { stroke: ink, font, labelFont: font, grid, ticks: { ...grid, size: 4 } };
  return new uPlot(
    {
      width: host.clientWidth,
      height: host.clientHeight,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
      scales: {
        x: { time: false, range: [0, shape.endTime] },
        y: shape.log ? { distr: 3, log: 10, range: logRange } : { range: linearRange },
      },
      axes: [
        { ...axis, label: t("chart.time"), labelSize: 22, size: 34 },
        {
          ...axis,
          grid: lines,
          label: shape.title,
          labelSize: 22,
          size: 58,
          values: (_, splits) => splits.map((split) => (split === null ? "" : tick(split))),
        },
      ],
      series: [{}, ...curves(host, shape.count)],
      hooks: {
        setCursor: [({ cursor }) => ties.onindex(cursor.idx ?? null)],
        draw: [(chart) => ties.lostAt().forEach((t, index) => drawLoss(chart, 2 * index + 2, t))],
      },
    },
    [[]],
    host,
  );
}

/** An axis is there before its data, so that nothing moves when they come. */
const logRange: uPlot.Range.Function = (_, min, max) =>
  Number.isFinite(min) && Number.isFinite(max) ? uPlot.rangeLog(min, max, 10, false) : [1e-3, 10];

const linearRange: uPlot.Range.Function = (_, __, max) =>
  Number.isFinite(max) ? [0, max * 1.06 || 1] : [0, 1];

const decades = (_: uPlot, splits: number[]): (number | null)[] =>
  splits.map((split) => (Number.isInteger(Number(Math.log10(split).toFixed(9))) ? split : null));

/** Background and analysis of every method, in their order. */
function curves(host: HTMLElement, count: number): uPlot.Series[] {
  return Array.from({ length: count }, (_, index) => index).flatMap((index) => {
    const stroke = colour(host, curveVariable(index));
    const common = { stroke, points: { show: false }, spanGaps: true };
    return [
      { ...common, width: 1.1, dash: [5, 4], alpha: 0.8 },
      { ...common, width: 2 },
    ];
  });
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

/** The values of all curves at a row of the data. */
export function reading(chart: uPlot, index: number, methods: readonly MethodState[]): Reading {
  const at = (series: number): number | null => chart.data[series]?.[index] ?? null;
  const pairs = methods.map(({ id }, i) => [id, [at(2 * i + 1), at(2 * i + 2)]] as const);
  return { t: at(0) ?? 0, values: new Map(pairs) };
}

const tick = (value: number): string =>
  value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e4)
    ? number(value).replace(/\.?0+(?=e)/, "")
    : String(Number(value.toPrecision(6)));

/** A custom property as a colour that a canvas understands, in the colours now in force. */
function colour(host: HTMLElement, variable: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${variable})`;
  host.append(probe);
  const resolved = getComputedStyle(probe).color;
  probe.remove();
  return resolved;
}
