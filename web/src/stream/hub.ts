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
  /** The server wants a token: nothing comes before this reader watches something again. */
  refused(): void;
}

/** Opens a stream, and returns what closes it. */
export type Open = (url: string, listener: Listener) => () => void;

/** Changes this close together lead to one opening. */
const SETTLE_MS = 20;

export class Hub {
  private readonly subscriptions = new Subscriptions<Reader>();
  private readonly backoff = new Backoff();
  private close: (() => void) | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly open: Open = openStream) {}

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
    this.close = this.open(streamUrl(wanted), {
      opened: () => this.announce(true),
      events: (events) => this.deliver(events),
      unknown: (runId) => this.drop(runId),
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

  private recover(status: number): void {
    this.close = null;
    if (this.subscriptions.wanted().size === 0) return;
    if (status !== 200) this.announce(false);
    if (status === 401) {
      for (const reader of this.subscriptions.all()) reader.refused();
      return;
    }
    this.reopenIn(this.backoff.next());
  }

  private drop(runId: string): void {
    for (const reader of this.subscriptions.readersOf(runId)) {
      this.subscriptions.unwatch(reader, runId);
      reader.gone(runId);
    }
  }

  private announce(live: boolean): void {
    for (const reader of this.subscriptions.all()) reader.connection(live);
  }
}
