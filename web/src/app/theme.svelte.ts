/** Dark, light, or as the system has it. */

import { recall, remember } from "./storage";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

class ThemeChoice {
  chosen = $state<Theme>(THEMES.find((theme) => theme === recall("theme")) ?? "system");
  private systemDark = $state(false);

  constructor() {
    const query = matchMedia("(prefers-color-scheme: dark)");
    this.systemDark = query.matches;
    query.addEventListener("change", ({ matches }) => (this.systemDark = matches));
  }

  get dark(): boolean {
    return this.chosen === "system" ? this.systemDark : this.chosen === "dark";
  }

  next(): void {
    const following = (THEMES.indexOf(this.chosen) + 1) % THEMES.length;
    this.chosen = THEMES[following] ?? "system";
    const fixed = this.chosen === "system" ? null : this.chosen;
    remember("theme", fixed);
    if (fixed === null) delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = fixed;
  }
}

export const theme = new ThemeChoice();
