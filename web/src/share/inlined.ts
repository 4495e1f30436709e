/** An SVG of the page as a document of its own: what style sheets say of it is written into it. */

import { paperOf } from "../run/chart";
import type { Drawing } from "./svg";

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
const HEAD = 40;

/** With a title above it, on the colour it stands on. */
export function inlined(element: SVGSVGElement, title: string): Drawing {
  const copy = element.cloneNode(true) as SVGSVGElement;
  const originals = element.querySelectorAll("*");
  copy.querySelectorAll("*").forEach((node, index) => inline(originals[index]!, node));
  const style = getComputedStyle(element);
  const { width, height } = element.viewBox.baseVal;
  const whole = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const size = { width: width + 2 * MARGIN, height: height + HEAD + MARGIN };
  set(whole, { ...size, viewBox: `0 0 ${size.width} ${size.height}`, "font-family": "system-ui, sans-serif" });
  whole.append(
    made("rect", { width: size.width, height: size.height, fill: paperOf(element) }),
    made("text", { x: MARGIN, y: 26, "font-size": 15, fill: style.color }, title),
  );
  set(copy, { x: MARGIN, y: HEAD, width, height });
  for (const name of ["class", "style", "role", "aria-labelledby", "aria-label"]) copy.removeAttribute(name);
  whole.append(copy);
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
  element.textContent = content;
  return element;
}

function set(element: Element, attributes: Record<string, string | number>): void {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
}
