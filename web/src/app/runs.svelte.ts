/** The runs that are open on the page, kept up to date by the stream, and kept in the address. */

import { ApiError, cancelRun, deleteRun, getRun } from "../api/client";
import { shortId, t } from "../i18n";
import { fold, fromSummary, isActive, type RunState } from "../run/state";
import { StreamClient } from "../stream/client";
import type { RunEvent } from "../stream/events";
import { announcer } from "./announcer.svelte";
import { openIds, withOpenIds } from "./address";
import { history } from "./history.svelte";

export class OpenRun {
  /** null while the summary is on its way. */
  state = $state.raw<RunState | null>(null);
  /** The server does not (any longer) know this run. */
  gone = $state(false);
  /** The last thing that could not be done with it. */
  failure = $state("");

  constructor(readonly id: string) {}
}

const RETRY_MS = 2000;

const isNotFound = (error: unknown): boolean =>
  error instanceof ApiError && error.problem.status === 404;

class Runs {
  /** Newest first. */
  open = $state.raw<readonly OpenRun[]>([]);
  live = $state(true);

  private readonly arrived: RunEvent[] = [];
  private scheduled = false;
  private readonly stream = new StreamClient({
    events: (events) => this.arrive(events),
    gone: (id) => this.lose(id),
    connection: (live) => (this.live = live),
  });

  constructor() {
    for (const id of openIds(location.search).reverse()) void this.show(id);
  }

  /** Put a run on the page, from its first event on. */
  async show(id: string): Promise<void> {
    if (this.find(id) !== undefined) return;
    const run = new OpenRun(id);
    this.setOpen([run, ...this.open]);
    await this.load(run);
  }

  private async load(run: OpenRun): Promise<void> {
    const { id } = run;
    try {
      const summary = await getRun(id);
      if (this.find(id) !== run) return;
      if (summary.run_id !== id) {
        this.close(id); // the address had it in capitals, say
        return this.show(summary.run_id);
      }
      run.state = fromSummary(summary);
      this.stream.watch(id, 0);
    } catch (error) {
      if (isNotFound(error)) run.gone = true;
      else setTimeout(() => this.find(id) === run && this.load(run), RETRY_MS);
    }
  }

  close(id: string): void {
    this.stream.unwatch(id);
    this.setOpen(this.open.filter((run) => run.id !== id));
  }

  isOpen(id: string): boolean {
    return this.find(id) !== undefined;
  }

  async cancel(run: OpenRun): Promise<void> {
    await this.attempt(run, () => cancelRun(run.id));
  }

  async delete(run: OpenRun): Promise<void> {
    if (await this.attempt(run, () => deleteRun(run.id))) this.close(run.id);
    await history.refresh();
  }

  /** True when it is done, or the run is not there any more. */
  private async attempt(run: OpenRun, action: () => Promise<unknown>): Promise<boolean> {
    try {
      await action();
    } catch (error) {
      if (!isNotFound(error)) {
        run.failure = error instanceof ApiError ? error.message : t("app.failed");
        return false;
      }
      run.gone = true;
    }
    run.failure = "";
    return true;
  }

  private find(id: string): OpenRun | undefined {
    return this.open.find((run) => run.id === id);
  }

  private setOpen(open: readonly OpenRun[]): void {
    this.open = open;
    const ids = open.map(({ id }) => id);
    globalThis.history.replaceState(null, "", withOpenIds(location.href, ids));
  }

  private lose(id: string): void {
    const run = this.find(id);
    if (run !== undefined) run.gone = true;
    void history.refresh();
  }

  /** Events are folded in once a frame; in a hidden tab, where there are no frames, by the clock. */
  private arrive(events: RunEvent[]): void {
    this.arrived.push(...events);
    if (this.scheduled) return;
    this.scheduled = true;
    if (document.hidden) setTimeout(() => this.foldIn(), 250);
    else requestAnimationFrame(() => this.foldIn());
  }

  private foldIn(): void {
    this.scheduled = false;
    const events = this.arrived.splice(0);
    for (const run of this.open) {
      if (run.state === null || !events.some((event) => event.run_id === run.id)) continue;
      const before = run.state.status;
      run.state = fold(run.state, events);
      if (run.state.status !== before) this.statusChanged(run.state, isActive(before));
    }
  }

  private statusChanged(run: RunState, wasActive: boolean): void {
    void history.refresh();
    if (!wasActive) return;
    const name = t("run.name", { id: shortId(run.id) });
    announcer.say(t("run.said", { run: name, status: t(`status.${run.status}`) }));
  }
}

export const runs = new Runs();
