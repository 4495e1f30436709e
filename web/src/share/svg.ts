/** What figures are written with: texts, and the document around them. */

export interface Drawing {
  svg: string;
  width: number;
  height: number;
}

export interface FigureColours {
  paper: string;
  ink: string;
  soft: string;
  grid: string;
}

/** About the width of a character, in em. */
const CHARACTER = 0.56;

/** An SVG document of its own. */
export function svgDocument(
  title: string,
  paper: string,
  { width, height }: { width: number; height: number },
  body: string,
): Drawing {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, 'Segoe UI', 'Liberation Sans', Arial, sans-serif">
<title>${escaped(title)}</title>
<rect width="100%" height="100%" fill="${paper}"/>
${body}
</svg>`;
  return { svg, width, height };
}

export const textWidth = (label: string, size: number): number => label.length * size * CHARACTER;

/** In lines of at most this width, cut between words. */
export function wrapped(content: string, size: number, width: number): string[] {
  const lines: string[] = [];
  for (const word of content.split(" ")) {
    const longer = lines.length === 0 ? word : `${lines.at(-1)} ${word}`;
    if (lines.length === 0 || textWidth(longer, size) > width) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}

/** Entries of a key, each with the place of its line; its name stands KEY_NAME to the right. */
export function placed<Entry extends { label: string }>(
  entries: readonly Entry[],
  [from, to]: readonly [number, number],
): { places: (Entry & { left: number; row: number })[]; rows: number } {
  let [left, row] = [from, 0];
  const places = entries.map((entry) => {
    const wide = KEY_NAME + textWidth(entry.label, 13) + 26;
    if (left > from && left + wide > to) [left, row] = [from, row + 1];
    const place = { ...entry, left, row };
    left += wide;
    return place;
  });
  return { places, rows: entries.length === 0 ? 0 : row + 1 };
}

export const KEY_NAME = 34;

export function text(
  x: number,
  y: number,
  content: string,
  colour: string,
  size: number,
  anchor: "start" | "middle" | "end",
  more = "",
): string {
  const place = `x="${x.toFixed(1)}" y="${y.toFixed(1)}"`;
  return `<text ${place} fill="${colour}" stroke="none" font-size="${size}" text-anchor="${anchor}" ${more}>${escaped(content)}</text>`;
}

/** Of a number on an axis. */
export const tickText = (value: number): string =>
  value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e4)
    ? value.toExponential().replace("e+", "e")
    : String(Number(value.toPrecision(6)));

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Labels are what users wrote: they must be text here, too. XML has no control characters. */
const escaped = (content: string): string =>
  printable(content).replace(/[&<>"]/g, (character) => ENTITIES[character]!);

export const printable = (content: string): string => content.replace(/[\p{Cc}\p{Cs}]/gu, " ");
