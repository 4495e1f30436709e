/** The language of the page: the one that was chosen and kept, at first the browser's. */

import { recall, remember } from "../app/storage";
import { LANGUAGES, preferred, regional, type Language } from "./languages";

/** Tests have no page: theirs are the texts in English. */
const BROWSER = typeof document === "undefined" ? [] : navigator.languages;

class LanguageChoice {
  current = $state<Language>(
    LANGUAGES.find((language) => language === recall("language")) ?? preferred(BROWSER),
  );
  /** Whose numbers and dates are written. */
  readonly locale = $derived(regional(this.current, BROWSER));

  choose(language: Language): void {
    this.current = language;
    remember("language", language);
  }
}

export const language = new LanguageChoice();
