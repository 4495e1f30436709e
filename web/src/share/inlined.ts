/** An SVG of the page as a document of its own: what style sheets say of it is written into it. */

import { colour, paperOf } from "../run/chart";
import type { Stroke } from "../run/curves";
import { KEY_NAME, placed, printable, wrapped, type Drawing } from "./svg";

const PROPERTIES = [
  "fill",
  "fill-opacity",
  "stroke",
  "stroke-width",
  "stroke-dasharray",
  "stroke-opacity",
  "stroke-linejoin",
  "opacity",
  "font-size",
  "font-weight",
  "text-anchor",
] as const;

const MARGIN = 16;
const LEAST_WIDTH = 640;
const KEY_ROW = 20;
const KEY_GAP = 6;

/** What is written around a figure of the page when it is taken away. */
export interface Surroundings {
  title: string;
  subtitle: string;
  /** Names of its lines, with their colours; empty where the figure itself has them. */
  key: readonly (Stroke & { label: string; colour: string })[];
  /** How it is to be read. */
  note: string;
  source: string;
}

/** On the colour it stands on. */
export function inlined(element: SVGSVGElement, around: Surroundings): Drawing {
  const copy = element.cloneNode(true) as SVGSVGElement;
  const originals = element.querySelectorAll("*");
  copy.querySelectorAll("*").forEach((node, index) => inline(originals[index]!, node));
  const { color } = getComputedStyle(element);
  const soft = colour(element.parentElement!, "--ink-soft");
  const box = element.viewBox.baseVal;
  const width = Math.max(LEAST_WIDTH, box.width + 2 * MARGIN);
  const parts: SVGElement[] = [];
  let bottom = MARGIN;
  const write = (content: string, size: number, fill: string): void => {
    for (const line of wrapped(content, size, width - 2 * MARGIN)) {
      bottom += Math.round(1.4 * size);
      parts.push(made("text", { x: MARGIN, y: bottom - 4, "font-size": size, fill }, line));
    }
  };
  write(around.title, 15, color);
  write(around.subtitle, 12, soft);
  bottom += MARGIN;
  set(copy, { x: (width - box.width) / 2, y: bottom, width: box.width, height: box.height });
  for (const name of ["class", "style", "role", "aria-labelledby", "aria-label"]) copy.removeAttribute(name);
  bottom += box.height + MARGIN;
  const { places, rows } = placed(around.key, [MARGIN, width]);
  for (const { left, row, label, colour: stroke, width: thick, dash, alpha } of places) {
    const y = bottom + (row + 0.5) * KEY_ROW;
    const line = { d: `M${left} ${y}h26`, stroke, "stroke-width": thick, "stroke-opacity": alpha };
    parts.push(
      made("path", dash.length > 0 ? { ...line, "stroke-dasharray": dash.join(" ") } : line),
      made("text", { x: left + KEY_NAME, y: y + 4, "font-size": 13, fill: color }, label),
    );
  }
  bottom += rows * KEY_ROW;
  bottom += KEY_GAP;
  write(around.note, 12, soft);
  bottom += KEY_GAP;
  write(around.source, 11, soft);
  const size = { width, height: bottom + MARGIN };
  const whole = made("svg", { ...size, viewBox: `0 0 ${width} ${size.height}`, "font-family": "system-ui, sans-serif" });
  const paper = made("rect", { ...size, fill: paperOf(element) });
  whole.append(made("title", {}, around.title), paper, ...parts, copy);
  return { svg: new XMLSerializer().serializeToString(whole), ...size };
}

function inline(from: Element, to: Element): void {
  const style = getComputedStyle(from);
  for (const property of PROPERTIES) to.setAttribute(property, style.getPropertyValue(property));
  const { transform } = style;
  if (transform !== "none" && !to.hasAttribute("transform")) to.setAttribute("transform", transform);
  for (const name of ["class", "style"]) to.removeAttribute(name);
}

function made(name: string, attributes: Record<string, string | number>, content = ""): SVGElement {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  set(element, attributes);
  element.textContent = printable(content);
  return element;
}

function set(element: Element, attributes: Record<string, string | number>): void {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
}
