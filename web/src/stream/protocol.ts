/** What a tab and the shared worker say to each other. */

import type { RunEvent } from "./events";

export type ToWorker =
  | { type: "watch"; runId: string; since: number }
  | { type: "unwatch"; runId: string }
  | { type: "leave" };

export type FromWorker =
  | { type: "events"; events: RunEvent[] }
  | { type: "gone"; runId: string }
  | { type: "connection"; live: boolean }
  | { type: "refused" };
