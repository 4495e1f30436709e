/** Numbers as the language of the page writes them. */

import { language } from "./language.svelte";

const formats = new Map<string, Intl.NumberFormat>();

/** Whose numbers and dates are written. */
export const locale = (): string => language.locale;

export function decimal(value: number, options: Intl.NumberFormatOptions): string {
  const key = `${locale()} ${JSON.stringify(options)}`;
  let format = formats.get(key);
  if (format === undefined) {
    format = new Intl.NumberFormat(locale(), { useGrouping: false, ...options });
    formats.set(key, format);
  }
  return format.format(value);
}

/** A number with all its digits. */
export const plain = (value: number): string => decimal(value, { maximumFractionDigits: 20 });
