import { expect, test } from "vitest";

import { drawFigure, stacked, type Figure, type FigureLine } from "./figure";

const line = (label: string, values: (number | null)[], lostAt: number | null = null): FigureLine => ({
  label,
  colour: "rgb(1, 2, 3)",
  values,
  lostAt,
  width: 2,
  dash: [5, 4],
  alpha: 1,
});

const FIGURE: Figure = {
  title: 'Run <b>"1"</b> & more\u0007',
  subtitle: "n = 40",
  x: { label: "time", range: [0, 2] },
  y: { label: "RMSE", range: [0.1, 10], log: true },
  times: [0, 1, 2],
  lines: [line("a", [10, null, 0.1], 2), line("b", [null, null, null]), line("", [1, 1, 1])],
  bands: [{ colour: "blue", points: [[0, 0.1, 1], [2, 1, 10]] }],
  levels: [{ label: "Climatology", colour: "red", value: 1 }],
  key: "",
  source: "",
  colours: { paper: "#fff", ink: "#000", soft: "#555", grid: "#ddd" },
};

test("curves lie where axes say, gaps bridged, with a cross where the truth was lost", () => {
  const { svg } = drawFigure(FIGURE);
  expect(svg).toContain('class="curve" d="M78.0 76.0L936.0 496.0"');
  expect(svg).toContain('class="curve" d="" ');
  expect(svg.match(/class="lost"/g)).toHaveLength(1);
  expect(svg).toContain('class="level" d="M78 286.0H936"');
  expect(svg).toContain('stroke-dasharray="5 4"');
});

test("a band lies between its ends, below the curves", () => {
  const { svg } = drawFigure(FIGURE);
  expect(svg).toContain('class="band" d="M78.0 496.0L936.0 286.0L936.0 76.0L78.0 286.0Z" fill="blue"');
  expect(svg.indexOf('class="band"')).toBeLessThan(svg.indexOf('class="curve"'));
});

test("the legend names each line that has a name", () => {
  const { svg, height } = drawFigure({ ...FIGURE, lines: [line("a", []), line("a", []), line("b", [])] });
  expect(svg.match(/>a<\/text>/g)).toHaveLength(1);
  const many = Array.from({ length: 30 }, (_, index) => line(`a rather long label ${index}`, []));
  expect(drawFigure({ ...FIGURE, lines: many }).height).toBeGreaterThan(height + 100);
});

test("labels are text, whatever they hold", () => {
  const { svg } = drawFigure(FIGURE);
  expect(svg).toContain("Run &lt;b&gt;&quot;1&quot;&lt;/b&gt; &amp; more ");
  expect(svg).not.toMatch(/<b>|\u0007/);
});

test("names of levels that are close stand beside each other", () => {
  const placed = stacked([{ label: "cc", y: 100 }, { label: "a", y: 10 }, { label: "bb", y: 20 }], (label) => 10 * label.length);
  expect(placed.map(({ label, right }) => [label, right])).toEqual([["a", 0], ["bb", 24], ["cc", 0]]);
});
