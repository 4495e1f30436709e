/** What a run waits for before it can be computed, in words. */

import { lookUp, methodName, t } from "../i18n";
import { decimal } from "../i18n/numbers";
import type { Compiling } from "./state";

/** One sentence for all programs; estimates are each program's own, for several compile at once. */
export function compilingText(programs: readonly Compiling[]): string {
  const items = programs.map(({ program, seconds }) => {
    const name = lookUp(`program.${program}`, methodName(program));
    return seconds === null ? name : t("run.compiling.about", { name, seconds: rounded(seconds) });
  });
  return t("run.compiling", { programs: items.join("; ") });
}

/** An estimate promises no more than one digit below a second, and whole seconds above. */
const rounded = (seconds: number): string =>
  decimal(Math.max(0.1, seconds), { maximumFractionDigits: seconds < 0.95 ? 1 : 0 });
