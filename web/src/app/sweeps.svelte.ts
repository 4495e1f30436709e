/** The sweeps that are open on the page, each filled as its cells are computed. */

import {
  ApiError,
  cancelSweep,
  createRun,
  createSweep,
  deleteSweep,
  describeSweep,
  getCell,
  getSweep,
  sweepEventsUrl,
} from "../api/client";
import type { RunRequest, RunStatus, SweepAxis, Words } from "../api/types";
import { shortId, t } from "../i18n";
import { Backoff } from "../stream/backoff";
import type { CellUpdate } from "../stream/events";
import { withNews, type Cell } from "../sweep/cells";
import { completed } from "../sweep/request";
import { followSweep } from "../sweep/stream";
import { sweepTold } from "./about";
import { openIds } from "./address";
import { attendList, attendRun, attendSweep } from "./attention";
import { router } from "./route.svelte";
import { runs, wordsOf } from "./runs.svelte";
import { sweepHistory } from "./sweepHistory.svelte";

const isNotFound = (error: unknown): boolean =>
  error instanceof ApiError && error.problem.status === 404;

export class OpenSweep {
  status = $state<RunStatus>("queued");
  /** What was asked: of the server, or else of the address; null where neither tells. */
  request = $state.raw<RunRequest | null>(null);
  axes = $state.raw<readonly SweepAxis[]>([]);
  cells = $state.raw<readonly Cell[]>([]);
  words = $state.raw<Words>({ name: null, note: null, shared: false });
  error = $state<string | null>(null);
  /** The server has answered. */
  loaded = $state(false);
  /** The server does not (any longer) know this sweep. */
  gone = $state(false);
  /** The last thing that could not be done with it. */
  failure = $state("");

  private readonly backoff = new Backoff();
  private unfollow: (() => void) | null = null;
  private closed = false;
  private arrived: CellUpdate[] = [];

  constructor(readonly id: string) {}

  get title(): string {
    return this.words.name ?? t("sweep.name", { id: shortId(this.id) });
  }

  /** Ask for it, and follow it where it is not over; a page that is not signed in waits in here. */
  async load(): Promise<void> {
    const told = sweepTold(await router.told, this.id);
    this.request ??= told?.request ?? null;
    if (this.axes.length === 0) this.axes = told?.axes ?? [];
    try {
      const found = await getSweep(this.id);
      if (this.closed) return;
      this.status = found.status;
      this.request = completed(found.request);
      this.axes = found.axes;
      this.error = found.error;
      this.words = wordsOf(found);
      this.arrived = [];
      this.cells = found.cells.map((cell) => withNews(undefined, cell));
      this.loaded = true;
      if (found.finished_at === null) this.follow();
    } catch (error) {
      if (isNotFound(error)) this.gone = true;
      else this.loadLater();
    }
  }

  close(): void {
    this.closed = true;
    this.unfollow?.();
  }

  private loadLater(): void {
    setTimeout(() => !this.closed && this.load(), this.backoff.next());
  }

  private follow(): void {
    this.unfollow?.();
    this.unfollow = followSweep(sweepEventsUrl(this.id), {
      cell: (news) => this.arrive(news),
      done: () => void this.load().then(() => sweepHistory.refresh()),
      refused: () => this.loadLater(), // the answer to that says why
    });
  }

  /** News are taken in together: of one computed batch there are many at once. */
  private arrive(news: CellUpdate): void {
    this.backoff.reset();
    this.arrived.push(news);
    if (this.arrived.length === 1) setTimeout(() => this.takeIn());
  }

  private takeIn(): void {
    if (this.arrived.length === 0) return;
    if (this.status === "queued") this.status = "running";
    const cells = [...this.cells];
    for (const news of this.arrived) cells[news.cell] = withNews(cells[news.cell], news);
    this.arrived = [];
    this.cells = cells;
  }

  /** The cell as a run of its own: the same truth, observations and numbers. */
  async openCell(cell: number): Promise<void> {
    await this.attempt(async () => {
      const { request } = await getCell(this.id, cell);
      const { run_id } = await createRun({ ...request, record_states: true });
      const shown = runs.show(run_id);
      void attendRun(run_id);
      await shown;
    });
  }

  /** Name, note, share; what went wrong, or empty. */
  async describe(words: Words): Promise<string> {
    try {
      this.words = wordsOf(await describeSweep(this.id, words));
    } catch (error) {
      return error instanceof ApiError ? error.message : t("app.failed");
    }
    await sweepHistory.refresh();
    return "";
  }

  async cancel(): Promise<void> {
    await this.attempt(() => cancelSweep(this.id));
  }

  async delete(): Promise<void> {
    await this.attempt(() => sweeps.delete(this.id));
  }

  /** The same sweep, where this one is gone; the new one takes its place. */
  async again(): Promise<void> {
    const { request, axes } = this;
    if (request === null) return;
    await this.attempt(async () => {
      await sweeps.start(request, axes);
      sweeps.close(this.id);
    });
  }

  private async attempt(action: () => Promise<unknown>): Promise<void> {
    this.failure = "";
    try {
      await action();
    } catch (error) {
      this.failure = error instanceof ApiError ? error.message : t("app.failed");
    }
  }
}

class Sweeps {
  /** Newest first. */
  open = $state.raw<readonly OpenSweep[]>([]);

  constructor() {
    for (const id of openIds(location.search, "sweep").reverse()) this.show(id);
  }

  show(id: string): void {
    if (this.isOpen(id)) return;
    const sweep = new OpenSweep(id);
    this.setOpen([sweep, ...this.open]);
    void sweep.load();
  }

  isOpen(id: string): boolean {
    return this.open.some((sweep) => sweep.id === id);
  }

  close(id: string): void {
    this.open.find((sweep) => sweep.id === id)?.close();
    this.setOpen(this.open.filter((sweep) => sweep.id !== id));
  }

  /** Start a sweep; throws what the server has against it. */
  async start(request: RunRequest, axes: readonly SweepAxis[]): Promise<void> {
    const { sweep_id } = await createSweep(request, axes);
    this.show(sweep_id);
    void attendSweep(sweep_id);
    void sweepHistory.refresh();
  }

  /** Forget a sweep, here and on the server; throws what the server has against it. */
  async delete(id: string): Promise<void> {
    try {
      await deleteSweep(id);
    } catch (error) {
      if (!isNotFound(error)) throw error; // somebody else was quicker
    }
    this.close(id);
    void attendList();
    void sweepHistory.refresh();
  }

  private setOpen(open: readonly OpenSweep[]): void {
    this.open = open;
    router.setOpenIds(
      open.map(({ id }) => id),
      "sweep",
    );
  }
}

export const sweeps = new Sweeps();
