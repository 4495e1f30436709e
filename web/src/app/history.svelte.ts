/** The runs that the server has, newest first, a page at a time, or those that a search finds. */

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
  /** Seconds after its end that a run stays that is not kept; null until it is known. */
  expireSeconds = $state<number | null>(null);
  /** What the list was asked for. */
  search = $state("");
  /** Runs chosen to be compared. */
  chosen = $state.raw<readonly string[]>([]);

  /** When each run that was ever listed was made. */
  private readonly made = new Map<string, number>();

  async find(search: string): Promise<void> {
    this.search = search;
    await this.refresh();
  }

  async refresh(): Promise<void> {
    const { search } = this;
    const page = await listRuns(Math.min(MOST, Math.max(PAGE, this.runs.length)), search).catch(() => null);
    if (page === null || search !== this.search) return;
    this.list(page.runs);
    this.cursor = page.next_cursor;
    this.expireSeconds = page.expire_seconds;
    this.loaded = true;
  }

  async more(): Promise<void> {
    const { search, cursor } = this;
    if (cursor === null) return;
    const page = await listRuns(PAGE, search, cursor).catch(() => null);
    if (page === null || search !== this.search) return;
    const known = new Set(this.runs.map(({ run_id }) => run_id));
    this.list([...this.runs, ...page.runs.filter(({ run_id }) => !known.has(run_id))]);
    this.cursor = page.next_cursor;
  }

  /** The chosen runs, the oldest first: what came before, then what was changed. */
  get inOrder(): string[] {
    const made = (id: string): number => this.made.get(id) ?? 0;
    return this.chosen.toSorted((one, other) => made(one) - made(other));
  }

  /** A run that is no more cannot be compared. */
  forget(id: string): void {
    this.chosen = this.chosen.filter((chosen) => chosen !== id);
  }

  private list(runs: readonly RunSummary[]): void {
    for (const { run_id, created_at } of runs) this.made.set(run_id, created_at);
    this.runs = runs;
  }
}

export const history = new History();
