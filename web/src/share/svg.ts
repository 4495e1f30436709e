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
  content.replace(/[&<>"]/g, (character) => ENTITIES[character]!).replace(/[\p{Cc}\p{Cs}]/gu, " ");
