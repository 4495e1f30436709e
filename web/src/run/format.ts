/** Numbers for people. */

import { decimal, plain } from "../i18n/numbers";

const MISSING = "–";

/** Rounded to significant digits; scientific where a fixed notation would be long. */
export function number(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return MISSING;
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return scientific(value, Math.min(2, digits - 1));
  // not 1230 where 1234.5 has three significant digits
  return size >= 10 ** digits ? fixed(value, 0) : significant(value, digits);
}

const fixed = (value: number, places: number): string =>
  decimal(value, { minimumFractionDigits: places, maximumFractionDigits: places });

const significant = (value: number, digits: number): string =>
  decimal(value, { minimumSignificantDigits: digits, maximumSignificantDigits: digits });

function scientific(value: number, places: number): string {
  const [mantissa, exponent] = value.toExponential(places).split("e");
  return `${fixed(Number(mantissa), places)}e${Number(exponent)}`;
}

export const integer = (value: number | null | undefined): string =>
  value === null || value === undefined ? MISSING : plain(value);

export function seconds(value: number | null | undefined): string {
  if (value === null || value === undefined) return MISSING;
  return value < 1 ? `${Math.round(value * 1000)} ms` : `${number(value, 3)} s`;
}

const UNITS = [
  { unit: "d", seconds: 86_400 },
  { unit: "h", seconds: 3600 },
  { unit: "min", seconds: 60 },
] as const;

/** A rough time in the unit that suits it: two digits, and two of a unit at least. */
export function duration(time: number): string {
  const found = UNITS.find(({ seconds }) => time >= 2 * seconds);
  if (found !== undefined) return `${number(time / found.seconds, 2)} ${found.unit}`;
  return time < 1 ? `${Math.max(1, Math.round(time * 100)) * 10} ms` : `${number(time, 2)} s`;
}

const SIZES = ["kB", "MB", "GB", "TB"] as const;

/** A rough size: two digits in the unit that suits it. */
export function bytes(count: number): string {
  const place = Math.min(SIZES.length, Math.max(1, Math.floor(Math.log10(count) / 3)));
  return `${number(count / 1000 ** place, 2)} ${SIZES[place - 1]}`;
}

/** A ratio as a percentage with its sign: 0.42 gives +42 %. */
export function percent(ratio: number | null | undefined): string {
  if (ratio === null || ratio === undefined || !Number.isFinite(ratio)) return MISSING;
  const rounded = fixed(ratio * 100, Math.abs(ratio) < 0.1 ? 1 : 0);
  return `${ratio > 0 ? "+" : ""}${rounded.replace("-", "−")} %`;
}

/** A part of a whole as a percentage: 0.42 gives 42 %. */
export const share = (part: number): string => `${fixed(part * 100, part < 0.1 ? 1 : 0)} %`;

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
