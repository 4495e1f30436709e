/** The chart of a run's curves as a figure for a paper or a slide: as it is drawn on the page. */

import type uPlot from "uplot";

import { t } from "../i18n";
import type { Figure } from "../share/figure";
import { colour, paperOf } from "./chart";
import { bands, levels, type Quantity } from "./chartData";
import { strokeOf, type Curve } from "./curves";
import { curveVariable } from "./palette";
import { lostAt } from "./state";

export interface Heading {
  title: string;
  subtitle: string;
  source: string;
}

export function chartFigure(
  chart: uPlot,
  host: HTMLElement,
  curves: readonly Curve[],
  { quantity, log, hidden }: { quantity: Quantity; log: boolean; hidden: readonly string[] },
  heading: Heading,
): Figure {
  const { x, y } = chart.scales;
  const times = chart.data[0] as number[];
  const stroke = (place: number): string => colour(host, curveVariable(place));
  const lines = curves.flatMap((curve, index) => {
    if (hidden.includes(curve.id)) return [];
    const lost = lostAt(curve);
    const row = lost === null ? -1 : times.findIndex((time) => time >= lost);
    const line = (part: "analysis" | "background") => ({
      ...strokeOf(curve, part),
      label: part === "analysis" ? curve.label : "",
      colour: stroke(curve.colour),
      values: (chart.data[2 * index + (part === "analysis" ? 2 : 1)] ?? []) as (number | null)[],
      lostAt: part === "analysis" && row >= 0 ? row : null,
    });
    return curve.background ? [line("background"), line("analysis")] : [line("analysis")];
  });
  const kinds = [
    curves.some(({ background }) => background) ? t("figure.key.both") : t("figure.key.analysis"),
    ...(bands(curves, quantity, log, hidden).length > 0 ? [t("chart.band")] : []),
    ...(curves.some((curve) => lostAt(curve) !== null) ? [t("figure.key.lost")] : []),
  ];
  return {
    ...heading,
    x: { label: t("chart.time"), range: [x!.min ?? 0, x!.max ?? 1] },
    y: { label: t(`quantity.${quantity}.axis`), range: [y!.min ?? 1e-3, y!.max ?? 1], log },
    times,
    lines,
    bands: bands(curves, quantity, log, hidden).map((band) => ({ ...band, colour: stroke(band.colour) })),
    levels: levels(curves, quantity, hidden).map((level) => ({ ...level, colour: stroke(level.colour) })),
    key: kinds.join(" · "),
    colours: {
      paper: paperOf(host),
      ink: colour(host, "--ink"),
      soft: colour(host, "--ink-soft"),
      grid: colour(host, "--line"),
    },
  };
}
