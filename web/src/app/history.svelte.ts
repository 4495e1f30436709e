/** The runs that the server has, newest first, a page at a time. */

import { listRuns } from "../api/client";
import type { RunSummary } from "../api/types";

const PAGE = 12;
/** Asked for at once when the list is refreshed. */
const MOST = 100;

class History {
  runs = $state.raw<readonly RunSummary[]>([]);
  /** null where there is nothing more. */
  cursor = $state<string | null>(null);
  loaded = $state(false);

  async refresh(): Promise<void> {
    const page = await listRuns(Math.min(MOST, Math.max(PAGE, this.runs.length))).catch(() => null);
    if (page === null) return;
    this.runs = page.runs;
    this.cursor = page.next_cursor;
    this.loaded = true;
  }

  async more(): Promise<void> {
    if (this.cursor === null) return;
    const page = await listRuns(PAGE, this.cursor).catch(() => null);
    if (page === null) return;
    const known = new Set(this.runs.map(({ run_id }) => run_id));
    this.runs = [...this.runs, ...page.runs.filter(({ run_id }) => !known.has(run_id))];
    this.cursor = page.next_cursor;
  }
}

export const history = new History();
