/** Texts by key, in the language of the page. */

import { en, type Dictionary } from "./en";

export type Key = keyof typeof en;

const dictionary: Dictionary = en;

export const locale = "en";

export function t(key: Key, values: Record<string, string | number> = {}): string {
  return dictionary[key].replace(/\{(\w+)\}/g, (whole, name: string) =>
    name in values ? String(values[name]) : whole,
  );
}

/** The text of a key that is put together; `otherwise` where the dictionary has none. */
export function lookUp(key: string, otherwise: string): string {
  return key in dictionary ? dictionary[key as Key] : otherwise;
}

export const methodName = (name: string): string => lookUp(`method.${name}`, name);

/** The first eight characters of a run's id, as in its CSV's name. */
export const shortId = (id: string): string => id.slice(0, 8);
