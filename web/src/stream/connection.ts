/** One open event stream over fetch; events arrive in batches, as they came over the wire. */

import { parseEvent, parseUnknownRun, type RunEvent } from "./events";
import { SseParser } from "./sse";

/** Keepalives come every 10 s by default: a silence this long means that the line is dead. */
const SILENCE_MS = 35_000;

export interface Listener {
  opened(): void;
  events(events: RunEvent[]): void;
  /** The server does not know this run. */
  unknown(runId: string): void;
  /** The stream is over, `status` being the HTTP status or 0 where there was no answer. */
  ended(status: number): void;
}

/** Open the stream; the function returned closes it, and nothing is heard of it afterwards. */
export function openStream(url: string, listener: Listener): () => void {
  const abort = new AbortController();
  let closed = false;
  let silence: ReturnType<typeof setTimeout>;
  const heard = () => {
    clearTimeout(silence);
    silence = setTimeout(() => abort.abort(), SILENCE_MS);
  };
  const read = async (): Promise<number> => {
    heard();
    const headers = { accept: "text/event-stream" };
    const response = await fetch(url, { signal: abort.signal, headers, cache: "no-store" });
    if (!response.ok || response.body === null) return response.status;
    if (closed) return 0;
    listener.opened();
    const parser = new SseParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || closed) return response.status;
      heard();
      const messages = parser.push(value);
      const events = messages.map(({ data }) => parseEvent(data)).filter((e) => e !== null);
      if (events.length > 0) listener.events(events);
      for (const { event, data } of messages) {
        const unknown = event === "done" ? parseUnknownRun(data) : null;
        if (unknown !== null) listener.unknown(unknown);
      }
    }
  };
  void read()
    .catch(() => 0)
    .then((status) => {
      clearTimeout(silence);
      if (!closed) listener.ended(status);
    });
  return () => {
    closed = true;
    clearTimeout(silence);
    abort.abort();
  };
}
