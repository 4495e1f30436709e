/** The sheet of lessons and published settings, and what is chosen there. */

import type { RunRequest } from "../api/types";
import { t } from "../i18n";
import { announcer } from "./announcer.svelte";
import { experiment } from "./experiment.svelte";

class Learning {
  open = $state(false);

  /** Fill the form with what is called `name`. */
  start(name: string, request: RunRequest): void {
    experiment.reuse(request);
    this.open = false;
    announcer.say(t("learn.filled", { name }));
  }
}

export const learning = new Learning();
