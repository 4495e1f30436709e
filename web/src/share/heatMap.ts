/** A score over two settings as an SVG document of its own: a cell for each pair of values. */

import { stops } from "../run/colours";
import { svgDocument, text, type Drawing, type FigureColours } from "./svg";

export interface HeatCell {
  /** null where nothing is known. */
  fill: string | null;
  ink: string;
  /** Its score; empty where there is none, or no room. */
  text: string;
  lost: boolean;
  best: boolean;
}

export interface HeatMap {
  title: string;
  /** What the experiment was, below the title. */
  subtitle: string;
  /** Columns from left to right, rows from the top. */
  x: { label: string; values: readonly string[] };
  y: { label: string; values: readonly string[] };
  rows: readonly (readonly HeatCell[])[];
  /** Of the colours: its name, and the numbers at equal distances from the low end. */
  scale: { label: string; numbers: readonly string[] };
  /** What the frame and the crosses say. */
  key: string;
  /** Where it comes from, at the foot. */
  source: string;
  colours: FigureColours;
}

const WIDTH = 960;
const TOP = 76;
const LEFT = 112;
const RIGHT = 140;
/** Of a cell, at most and at least. */
const [TALL, FLAT] = [72, 9];
const MOST_HEIGHT = 560;
/** Of the scale, at least: its name stands beside it. */
const SCALE_HEIGHT = 250;
/** Room that a written value needs. */
const [TEXT_WIDTH, TEXT_HEIGHT] = [44, 15];

export function drawHeatMap(map: HeatMap): Drawing {
  const { x, y, colours } = map;
  const width = WIDTH - LEFT - RIGHT;
  const wide = width / x.values.length;
  const high = Math.max(FLAT, Math.min(TALL, MOST_HEIGHT / y.values.length));
  const plot = high * y.values.length;
  const bottom = TOP + plot;
  const place = (row: number, column: number): Box => ({
    left: LEFT + column * wide,
    top: TOP + row * high,
    wide,
    high,
  });
  const each = (draw: (cell: HeatCell, box: Box) => string): string =>
    map.rows.flatMap((row, r) => row.map((cell, c) => draw(cell, place(r, c)))).join("\n");
  const columns = thinned(x.values, Math.floor(width / TEXT_WIDTH)).map(([value, column]) =>
    text(LEFT + (column + 0.5) * wide, bottom + 18, value, colours.soft, 12, "middle"),
  );
  const rows = thinned(y.values, Math.floor(plot / TEXT_HEIGHT)).map(([value, row]) =>
    text(LEFT - 8, TOP + (row + 0.5) * high + 4, value, colours.soft, 12, "end"),
  );
  const tall = Math.max(plot, SCALE_HEIGHT);
  const height = Math.max(bottom + 104, TOP + tall + 34);
  const body = `${text(LEFT, 32, map.title, colours.ink, 20, "start", 'font-weight="600"')}
${text(LEFT, 54, map.subtitle, colours.soft, 13, "start")}
${each((cell, box) => filled(cell, box, colours))}
${each((cell, box) => (cell.best ? framed(box, colours) : ""))}
${each((cell, box) => written(cell, box))}
${[...columns, ...rows].join("\n")}
${text(LEFT + width / 2, bottom + 40, x.label, colours.soft, 13, "middle")}
${text(0, 0, y.label, colours.soft, 13, "middle", `transform="translate(24 ${TOP + plot / 2}) rotate(-90)"`)}
${bar(map.scale, tall, colours)}
${text(LEFT, bottom + 66, map.key, colours.ink, 13, "start")}
${text(LEFT, height - 14, map.source, colours.soft, 11, "start")}`;
  return svgDocument(map.title, colours.paper, { width: WIDTH, height }, body);
}

interface Box {
  left: number;
  top: number;
  wide: number;
  high: number;
}

function filled({ fill }: HeatCell, box: Box, colours: FigureColours): string {
  return `<rect class="cell" ${corners(box, 0.5)} fill="${fill ?? colours.grid}" fill-opacity="${fill === null ? 0.4 : 1}"/>`;
}

/** Seen on any colour of a cell: paper between it and the frame. */
const framed = (box: Box, { ink, paper }: FigureColours): string =>
  `<rect class="best" ${corners(box, 0)} fill="none" stroke="${ink}" stroke-width="4"/>` +
  `<rect ${corners(box, 2.5)} fill="none" stroke="${paper}" stroke-width="1.5"/>`;

function written({ text: score, ink, lost }: HeatCell, box: Box): string {
  if (box.wide < 10 || box.high < 10) return "";
  const fits = box.wide >= TEXT_WIDTH && box.high >= TEXT_HEIGHT;
  const content = [...(lost ? ["×"] : []), ...(fits && score !== "" ? [score] : [])].join(" ");
  if (content === "") return "";
  return text(box.left + box.wide / 2, box.top + box.high / 2 + 4, content, ink, fits ? 12 : 10, "middle");
}

/** The colours with their numbers, to the right of the map. */
function bar({ label, numbers }: HeatMap["scale"], tall: number, colours: FigureColours): string {
  const left = WIDTH - RIGHT + 34;
  const last = Math.max(1, numbers.length - 1);
  const scale = stops("sequential");
  const shades = scale.map(
    (shade, k) => `<stop offset="${((100 * k) / (scale.length - 1)).toFixed(1)}%" stop-color="${shade}"/>`,
  );
  const at = (k: number): number => TOP + tall - (k / last) * tall;
  return [
    `<linearGradient id="scale" x1="0" y1="1" x2="0" y2="0">${shades.join("")}</linearGradient>`,
    `<rect x="${left}" y="${TOP}" width="16" height="${tall.toFixed(1)}" fill="url(#scale)"/>`,
    ...numbers.map((number, k) => text(left + 22, at(k) + 4, number, colours.soft, 12, "start")),
    text(0, 0, label, colours.soft, 12, "middle", `transform="translate(${WIDTH - 20} ${(TOP + tall / 2).toFixed(1)}) rotate(-90)"`),
  ].join("\n");
}

const corners = ({ left, top, wide, high }: Box, inset: number): string =>
  `x="${(left + inset).toFixed(1)}" y="${(top + inset).toFixed(1)}" ` +
  `width="${(wide - 2 * inset).toFixed(1)}" height="${(high - 2 * inset).toFixed(1)}"`;

/** Every so many of the values, with their places, so that at most `most` are written. */
function thinned(values: readonly string[], most: number): [string, number][] {
  const every = Math.ceil(values.length / Math.max(1, most));
  return values.flatMap((value, k): [string, number][] => (k % every === 0 ? [[value, k]] : []));
}
