/** A tab's end of the stream: through the shared worker, or in the page where there is none. */

import { isTerminal, type RunEvent } from "./events";
import { Hub, type Reader } from "./hub";
import type { FromWorker, ToWorker } from "./protocol";

export class StreamClient {
  /** Runs being watched, with the last event that was received of each. */
  private readonly watched = new Map<string, number>();
  private say: (message: ToWorker) => void;
  private readonly reader: Reader;

  constructor(reader: Reader) {
    this.reader = {
      ...reader,
      events: (events) => {
        events.forEach((event) => this.note(event));
        reader.events(events);
      },
    };
    this.say = "SharedWorker" in globalThis ? this.throughWorker() : this.inPage();
    addEventListener("pagehide", () => this.say({ type: "leave" }));
    addEventListener("pageshow", ({ persisted }) => persisted && this.rewatch());
  }

  watch(runId: string, since: number): void {
    this.watched.set(runId, since);
    this.say({ type: "watch", runId, since });
  }

  unwatch(runId: string): void {
    this.watched.delete(runId);
    this.say({ type: "unwatch", runId });
  }

  private note(event: RunEvent): void {
    if (isTerminal(event)) this.watched.delete(event.run_id);
    else if (this.watched.has(event.run_id)) this.watched.set(event.run_id, event._event_id);
  }

  /** Watch all anew, each run from the last event that was received of it. */
  rewatch(): void {
    for (const [runId, since] of this.watched) this.say({ type: "watch", runId, since });
  }

  private throughWorker(): (message: ToWorker) => void {
    const worker = new SharedWorker(new URL("./worker.ts", import.meta.url), {
      type: "module",
      name: "learn-da-stream",
    });
    worker.onerror = () => {
      this.say = this.inPage();
      this.rewatch();
    };
    worker.port.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === "events") this.reader.events(data.events);
      else if (data.type === "gone") this.reader.gone(data.runId);
      else if (data.type === "refused") this.reader.refused();
      else this.reader.connection(data.live);
    };
    return (message) => worker.port.postMessage(message);
  }

  private inPage(): (message: ToWorker) => void {
    const hub = new Hub();
    return (message) => {
      if (message.type === "watch") hub.watch(this.reader, message.runId, message.since);
      else if (message.type === "unwatch") hub.unwatch(this.reader, message.runId);
      else hub.leave(this.reader);
    };
  }
}
