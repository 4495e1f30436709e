/** The languages of the page, and which of them a browser asks for. */

export const LANGUAGES = ["en", "es"] as const;

export type Language = (typeof LANGUAGES)[number];

/** What each language calls itself. */
export const LANGUAGE_NAMES: Record<Language, string> = { en: "English", es: "Español" };

/** The first of the browser's languages that the page has; English where it has none of them. */
export function preferred(browser: readonly string[]): Language {
  const asked = browser.map((tag) => LANGUAGES.find((language) => language === primary(tag)));
  return asked.find((language) => language !== undefined) ?? "en";
}

/** The language as the browser's owner writes it, for numbers and dates: `es` may become `es-CO`. */
export const regional = (language: Language, browser: readonly string[]): string =>
  browser.find((tag) => primary(tag) === language) ?? language;

const primary = (tag: string): string => tag.split("-", 1)[0]!.toLowerCase();
