import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { Listener } from "./connection";
import { Hub, type Reader } from "./hub";
import { ended, RUN, started } from "./testing";

/** Streams that the test plays by hand. */
class Streams {
  readonly opened: { url: string; listener: Listener; closed: boolean }[] = [];

  readonly open = (url: string, listener: Listener): (() => void) => {
    const stream = { url, listener, closed: false };
    this.opened.push(stream);
    return () => (stream.closed = true);
  };

  get last() {
    return this.opened.at(-1)!;
  }

  get openNow(): number {
    return this.opened.filter(({ closed }) => !closed).length;
  }
}

const reader = () => {
  const seen = { ids: [] as number[], gone: [] as string[], live: [] as boolean[], refused: 0 };
  const reader: Reader = {
    events: (events) => seen.ids.push(...events.map((event) => event._event_id)),
    gone: (runId) => seen.gone.push(runId),
    connection: (live) => seen.live.push(live),
    refused: () => (seen.refused += 1),
  };
  return { seen, reader };
};

let streams: Streams;
let hub: Hub;

beforeEach(() => {
  vi.useFakeTimers();
  streams = new Streams();
  hub = new Hub(streams.open);
});
afterEach(() => vi.useRealTimers());

const settle = () => vi.advanceTimersByTimeAsync(25);

test("watches that come together open one stream", async () => {
  const { reader: one } = reader();
  const { reader: two } = reader();
  hub.watch(one, RUN, 0);
  hub.watch(two, RUN, 4);
  hub.watch(two, "run-b", 2);
  await settle();
  expect(streams.opened.map(({ url }) => url)).toEqual(["/api/events?run=run-a%3A0&run=run-b%3A2"]);
});

test("a new run goes into the one stream, from where the others are", async () => {
  const { reader: one, seen } = reader();
  hub.watch(one, RUN, 0);
  await settle();
  streams.last.listener.events([started(1), started(2)]);
  hub.watch(one, "run-b", 0);
  await settle();
  expect(streams.last.url).toBe("/api/events?run=run-a%3A2&run=run-b%3A0");
  expect(streams.openNow).toBe(1);
  streams.last.listener.events([started(2), started(3)]);
  expect(seen.ids).toEqual([1, 2, 3]);
});

test("after a loss the stream goes on from the last event, with growing pauses", async () => {
  const { reader: one, seen } = reader();
  hub.watch(one, RUN, 0);
  await settle();
  streams.last.listener.opened();
  streams.last.listener.events([started(1)]);
  streams.last.listener.ended(0);
  await vi.advanceTimersByTimeAsync(500);
  expect(streams.opened).toHaveLength(2);
  expect(streams.last.url).toBe("/api/events?run=run-a%3A1");
  streams.last.listener.ended(503);
  await vi.advanceTimersByTimeAsync(499);
  expect(streams.opened).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(501);
  expect(streams.opened).toHaveLength(3);
  streams.last.listener.opened();
  expect(seen.live).toEqual([true, false, false, true]);
});

test("when all runs have ended, or nobody watches, no stream is open", async () => {
  const { reader: one } = reader();
  hub.watch(one, RUN, 0);
  await settle();
  streams.last.listener.events([started(1), ended(2)]);
  expect(streams.openNow).toBe(0);
  hub.watch(one, "run-b", 0);
  await settle();
  expect(streams.openNow).toBe(1);
  hub.leave(one);
  await settle();
  expect(streams.openNow).toBe(0);
});

test("a gap opens the stream anew at once", async () => {
  const { reader: one, seen } = reader();
  hub.watch(one, RUN, 0);
  await settle();
  streams.last.listener.events([started(1), started(3)]);
  expect(streams.last.url).toBe("/api/events?run=run-a%3A1");
  streams.last.listener.events([started(2), started(3)]);
  expect(seen.ids).toEqual([1, 2, 3]);
});

test("a run that the server does not know is given up, the others go on", async () => {
  const { reader: one, seen } = reader();
  hub.watch(one, RUN, 0);
  hub.watch(one, "run-b", 0);
  await settle();
  streams.last.listener.unknown(RUN);
  streams.last.listener.ended(200);
  await vi.advanceTimersByTimeAsync(500);
  expect(seen.gone).toEqual([RUN]);
  expect(streams.last.url).toBe("/api/events?run=run-b%3A0");
});

test("a stream that wants a token is not asked again before somebody watches anew", async () => {
  const { reader: one, seen } = reader();
  hub.watch(one, RUN, 0);
  await settle();
  streams.last.listener.opened();
  streams.last.listener.events([started(1)]);
  streams.last.listener.ended(401);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(seen.refused).toBe(1);
  expect(seen.live).toEqual([true, false]);
  expect(streams.opened).toHaveLength(1);
  hub.watch(one, RUN, 1);
  await settle();
  expect(streams.last.url).toBe("/api/events?run=run-a%3A1");
  streams.last.listener.events([started(2)]);
  expect(seen.ids).toEqual([1, 2]);
});
