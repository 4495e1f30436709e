/** Texts by key, in the language of the page. */

import { en, type Dictionary } from "./en";
import { es } from "./es";
import { parametersInSpanish } from "./es.parameters";
import { language } from "./language.svelte";
import type { Language } from "./languages";
import { plain } from "./numbers";

export type Key = keyof typeof en;

/** Keys without their `.one` and `.other`. */
type Counted = Key extends infer K ? (K extends `${infer Base}.other` ? Base : never) : never;

const DICTIONARIES: Record<Language, Dictionary> = { en, es };
const PARAMETERS: Record<Language, Readonly<Record<string, string>>> = {
  en: {},
  es: parametersInSpanish,
};

export { locale } from "./numbers";

/** Numbers among the values are written as the language writes them. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  return DICTIONARIES[language.current][key].replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : typeof value === "number" ? plain(value) : value;
  });
}

/** The text for so many, which is among the values as `count`. */
export function plural(
  base: Counted,
  count: number,
  values: Record<string, string | number> = {},
): string {
  const key = `${base}.${new Intl.PluralRules(language.current).select(count)}`;
  return t((key in en ? key : `${base}.other`) as Key, { ...values, count });
}

/** The text of a key that is put together; `otherwise` where the dictionary has none. */
export function lookUp(key: string, otherwise: string): string {
  return key in en ? t(key as Key) : otherwise;
}

/** What the server calls a method's parameter, or its unit, in English; in the page's language. */
export const parameterText = (english: string): string =>
  PARAMETERS[language.current][english] ?? english;

export const methodName = (name: string): string => lookUp(`method.${name}`, name);

/** The first eight characters of a run's id, as in its CSV's name. */
export const shortId = (id: string): string => id.slice(0, 8);
