/** How far one reader has come in one run: lets every event through once and in order. */

import type { RunEvent } from "./events";

export type Verdict = "take" | "drop" | "gap";

export class Cursor {
  private gapBefore = 0;

  constructor(public last: number) {}

  /**
   * "gap" means that events before this one are missing and asks for them again, once: if they are
   * missing a second time too, the reader goes on without them rather than stand still.
   */
  judge(event: RunEvent): Verdict {
    const id = event._event_id;
    if (id <= this.last) return "drop";
    if (id > this.last + 1 && this.gapBefore !== this.last + 1) {
      this.gapBefore = this.last + 1;
      return "gap";
    }
    this.last = id;
    return "take";
  }
}
