/**
 * Holds one stream for any number of readers (tabs). It is opened anew, from where the readers are,
 * when the set of watched runs changes, and after a loss, with growing pauses.
 */

import { Backoff } from "./backoff";
import { openStream, type Listener } from "./connection";
import type { RunEvent } from "./events";
import { streamUrl, Subscriptions } from "./subscriptions";

export interface Reader {
  events(events: RunEvent[]): void;
  /** The server no longer knows this run. */
  gone(runId: string): void;
  connection(live: boolean): void;
}

export interface Transport {
  open(url: string, listener: Listener): () => void;
  /** False when the server says that there is no such run. */
  exists(runId: string): Promise<boolean>;
}

/** Changes this close together lead to one opening. */
const SETTLE_MS = 20;

export class Hub {
  private readonly subscriptions = new Subscriptions<Reader>();
  private readonly backoff = new Backoff();
  private close: (() => void) | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly transport: Transport) {}

  watch(reader: Reader, runId: string, since: number): void {
    this.subscriptions.watch(reader, runId, since);
    this.reopenIn(SETTLE_MS);
  }

  unwatch(reader: Reader, runId: string): void {
    this.subscriptions.unwatch(reader, runId);
    this.reopenIn(SETTLE_MS);
  }

  leave(reader: Reader): void {
    this.subscriptions.leave(reader);
    this.reopenIn(SETTLE_MS);
  }

  private reopenIn(milliseconds: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.reopen(), milliseconds);
  }

  private reopen(): void {
    clearTimeout(this.timer);
    this.close?.();
    this.close = null;
    const wanted = this.subscriptions.wanted();
    if (wanted.size === 0) return;
    this.close = this.transport.open(streamUrl(wanted), {
      opened: () => this.announce(true),
      events: (events) => this.deliver(events),
      ended: (status) => this.recover(status),
    });
  }

  private deliver(events: RunEvent[]): void {
    this.backoff.reset();
    const { deliveries, gap } = this.subscriptions.take(events);
    for (const { reader, events } of deliveries) reader.events(events);
    // at once: what the present stream goes on to send is of no use
    if (gap || this.subscriptions.wanted().size === 0) this.reopen();
  }

  private async recover(status: number): Promise<void> {
    this.close = null;
    if (this.subscriptions.wanted().size === 0) return;
    if (status !== 200) this.announce(false);
    this.reopenIn(this.backoff.next());
    if (status === 404) await this.dropForgotten();
  }

  private async dropForgotten(): Promise<void> {
    for (const runId of this.subscriptions.wanted().keys()) {
      if (await this.transport.exists(runId)) continue;
      for (const reader of this.subscriptions.readersOf(runId)) {
        this.subscriptions.unwatch(reader, runId);
        reader.gone(runId);
      }
    }
  }

  private announce(live: boolean): void {
    for (const reader of this.subscriptions.all()) reader.connection(live);
  }
}

export const httpTransport: Transport = {
  open: openStream,
  exists: async (runId) => {
    const response = await fetch(`/api/runs/${encodeURIComponent(runId)}`).catch(() => null);
    return response?.status !== 404;
  },
};
