/**
 * Who watches which run, and from where: the bookkeeping of the one stream that all tabs share.
 *
 * Every reader has a cursor of its own for each run, so that a stream which starts early enough for
 * the one that is furthest behind gives all of them each event once.
 */

import { Cursor } from "./cursor";
import { isTerminal, type RunEvent } from "./events";

export interface Delivery<Reader> {
  reader: Reader;
  events: RunEvent[];
}

export class Subscriptions<Reader> {
  private readonly readers = new Map<Reader, Map<string, Cursor>>();

  watch(reader: Reader, runId: string, since: number): void {
    const cursors = this.readers.get(reader) ?? new Map<string, Cursor>();
    cursors.set(runId, new Cursor(since));
    this.readers.set(reader, cursors);
  }

  unwatch(reader: Reader, runId: string): void {
    this.readers.get(reader)?.delete(runId);
  }

  leave(reader: Reader): void {
    this.readers.delete(reader);
  }

  /** Each watched run with the last event that every one of its readers has. */
  wanted(): Map<string, number> {
    const wanted = new Map<string, number>();
    for (const cursors of this.readers.values()) {
      for (const [runId, { last }] of cursors) {
        wanted.set(runId, Math.min(last, wanted.get(runId) ?? last));
      }
    }
    return wanted;
  }

  readersOf(runId: string): Reader[] {
    return [...this.readers].filter(([, cursors]) => cursors.has(runId)).map(([reader]) => reader);
  }

  all(): Reader[] {
    return [...this.readers.keys()];
  }

  /**
   * What each reader is to be given of the events that arrived; `gap` when a reader misses some, and
   * the stream must start again. A reader's watch ends with the run's last event.
   */
  take(events: readonly RunEvent[]): { deliveries: Delivery<Reader>[]; gap: boolean } {
    const deliveries: Delivery<Reader>[] = [];
    let gap = false;
    for (const [reader, cursors] of this.readers) {
      const taken: RunEvent[] = [];
      const stalled = new Set<string>();
      for (const event of events) {
        const cursor = cursors.get(event.run_id);
        if (cursor === undefined || stalled.has(event.run_id)) continue;
        const verdict = cursor.judge(event);
        if (verdict === "gap") {
          stalled.add(event.run_id);
        } else if (verdict === "take") {
          taken.push(event);
          if (isTerminal(event)) cursors.delete(event.run_id);
        }
      }
      gap ||= stalled.size > 0;
      if (taken.length > 0) deliveries.push({ reader, events: taken });
    }
    return { deliveries, gap };
  }
}

/** What the server takes on one stream. The others follow when it ends, these runs being done. */
const MOST_RUNS = 50;

/** The address of one stream for the runs that are wanted. */
export function streamUrl(wanted: ReadonlyMap<string, number>): string {
  const query = new URLSearchParams();
  for (const [runId, since] of [...wanted].slice(0, MOST_RUNS)) query.append("run", `${runId}:${since}`);
  return `/api/events?${query}`;
}
