/** The shared worker: one hub, and so one stream, for all tabs of the browser. */

import { Hub, type Reader } from "./hub";
import type { FromWorker, ToWorker } from "./protocol";

const hub = new Hub();

function serve(port: MessagePort): void {
  const say = (message: FromWorker) => port.postMessage(message);
  const reader: Reader = {
    events: (events) => say({ type: "events", events }),
    gone: (runId) => say({ type: "gone", runId }),
    connection: (live) => say({ type: "connection", live }),
    refused: () => say({ type: "refused" }),
  };
  port.onmessage = ({ data }: MessageEvent<ToWorker>) => {
    if (data.type === "watch") hub.watch(reader, data.runId, data.since);
    else if (data.type === "unwatch") hub.unwatch(reader, data.runId);
    else hub.leave(reader);
  };
}

// TypeScript's DOM types, which this folder uses, do not have the worker's own scope
(globalThis as unknown as { onconnect: (event: MessageEvent) => void }).onconnect = ({ ports }) =>
  ports.forEach(serve);
