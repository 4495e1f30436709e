/** Numbers for people. */

const MISSING = "–";

/** Rounded to significant digits; scientific where a fixed notation would be long. */
export function number(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return MISSING;
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(Math.min(2, digits - 1)).replace("e+", "e");
  // toPrecision would write 1234.5 to three digits as 1.23e+3
  return size >= 10 ** digits ? value.toFixed(0) : value.toPrecision(digits);
}

export const integer = (value: number | null | undefined): string =>
  value === null || value === undefined ? MISSING : String(value);

export function seconds(value: number | null | undefined): string {
  if (value === null || value === undefined) return MISSING;
  return value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toPrecision(3)} s`;
}

/** A ratio as a percentage with its sign: 0.42 gives +42 %. */
export function percent(ratio: number | null | undefined): string {
  if (ratio === null || ratio === undefined || !Number.isFinite(ratio)) return MISSING;
  const rounded = Math.abs(ratio) < 0.1 ? (ratio * 100).toFixed(1) : (ratio * 100).toFixed(0);
  return `${ratio > 0 ? "+" : ""}${rounded.replace("-", "−")} %`;
}

/** A part of a whole as a percentage: 0.42 gives 42 %. */
export const share = (part: number): string => `${(part * 100).toFixed(part < 0.1 ? 1 : 0)} %`;

/** How much of the background's RMSE the analysis removes: 1 all of it, below 0 it adds. */
export function improvement(
  background: number | null | undefined,
  analysis: number | null | undefined,
): number | null {
  if (background === null || background === undefined || background === 0) return null;
  return analysis === null || analysis === undefined ? null : 1 - analysis / background;
}

/** Local date and time of seconds since the epoch. */
export const moment = (epoch: number, locale: string): string =>
  new Date(epoch * 1000).toLocaleString(locale, { dateStyle: "medium", timeStyle: "medium" });
