import { expect, test } from "vitest";

import { streamUrl, Subscriptions } from "./subscriptions";
import { ended, range, RUN, started } from "./testing";

const events = (from: number, to: number) => range(from, to).map((id) => started(id));

/** The numbers that each reader was given. */
const ids = (deliveries: { reader: string; events: { _event_id: number }[] }[]) =>
  Object.fromEntries(deliveries.map(({ reader, events }) => [reader, events.map((e) => e._event_id)]));

test("the stream starts where the reader that is furthest behind is", () => {
  const subscriptions = new Subscriptions<string>();
  subscriptions.watch("one", RUN, 7);
  subscriptions.watch("two", RUN, 3);
  subscriptions.watch("two", "run-b", 0);
  expect([...subscriptions.wanted()]).toEqual([[RUN, 3], ["run-b", 0]]);
  expect(streamUrl(subscriptions.wanted())).toBe("/api/events?run=run-a%3A3&run=run-b%3A0");
});

test("every reader gets each event once, whatever the stream repeats", () => {
  const subscriptions = new Subscriptions<string>();
  subscriptions.watch("one", RUN, 0);
  expect(ids(subscriptions.take(events(1, 4)).deliveries)).toEqual({ one: [1, 2, 3, 4] });
  subscriptions.watch("two", RUN, 0);
  const { deliveries, gap } = subscriptions.take(events(1, 6));
  expect(ids(deliveries)).toEqual({ one: [5, 6], two: [1, 2, 3, 4, 5, 6] });
  expect(gap).toBe(false);
});

test("a gap is asked for again, and goes unfilled only if it is still there", () => {
  const subscriptions = new Subscriptions<string>();
  subscriptions.watch("one", RUN, 0);
  expect(ids(subscriptions.take(events(1, 2)).deliveries)).toEqual({ one: [1, 2] });
  expect(subscriptions.take(events(5, 6))).toEqual({ deliveries: [], gap: true });
  expect([...subscriptions.wanted()]).toEqual([[RUN, 2]]);
  expect(ids(subscriptions.take(events(3, 6)).deliveries)).toEqual({ one: [3, 4, 5, 6] });
  expect(subscriptions.take(events(9, 9)).gap).toBe(true);
  expect(ids(subscriptions.take(events(9, 10)).deliveries)).toEqual({ one: [9, 10] });
});

test("a watch ends with the run, for each reader by itself", () => {
  const subscriptions = new Subscriptions<string>();
  subscriptions.watch("one", RUN, 0);
  subscriptions.watch("two", RUN, 0);
  subscriptions.unwatch("two", RUN);
  subscriptions.take([started(1), ended(2)]);
  expect(subscriptions.wanted().size).toBe(0);
});
