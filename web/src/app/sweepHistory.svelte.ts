/** The sweeps that the server has, newest first, a page at a time, or those that a search finds. */

import { listSweeps } from "../api/client";
import type { SweepSummary } from "../api/types";

const PAGE = 6;
/** Asked for at once when the list is refreshed. */
const MOST = 100;

class SweepHistory {
  sweeps = $state.raw<readonly SweepSummary[]>([]);
  /** null where there is nothing more. */
  cursor = $state<string | null>(null);
  /** What the list was asked for. */
  private search = "";

  async find(search: string): Promise<void> {
    this.search = search;
    await this.refresh();
  }

  async refresh(): Promise<void> {
    const { search } = this;
    const limit = Math.min(MOST, Math.max(PAGE, this.sweeps.length));
    const page = await listSweeps(limit, search).catch(() => null);
    if (page === null || search !== this.search) return;
    this.sweeps = page.sweeps;
    this.cursor = page.next_cursor;
  }

  async more(): Promise<void> {
    const { search, cursor } = this;
    if (cursor === null) return;
    const page = await listSweeps(PAGE, search, cursor).catch(() => null);
    if (page === null || search !== this.search) return;
    const known = new Set(this.sweeps.map(({ sweep_id }) => sweep_id));
    this.sweeps = [...this.sweeps, ...page.sweeps.filter(({ sweep_id }) => !known.has(sweep_id))];
    this.cursor = page.next_cursor;
  }
}

export const sweepHistory = new SweepHistory();
