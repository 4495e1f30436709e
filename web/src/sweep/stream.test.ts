import { expect, test } from "vitest";

import type { CellUpdate } from "../stream/events";
import { followSweep, type Source } from "./stream";

/** A stream that the test plays by hand. */
class Played implements Source {
  readyState = 1;
  private readonly listeners = new Map<string, (event: MessageEvent<string>) => void>();

  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void {
    this.listeners.set(type, listener);
  }

  close(): void {
    this.readyState = 2;
  }

  send(type: string, data = "{}"): void {
    this.listeners.get(type)!({ data } as MessageEvent<string>);
  }
}

function followed() {
  const played = new Played();
  const heard = { cells: [] as CellUpdate[], done: 0, refused: 0, url: "" };
  const listener = {
    cell: (news: CellUpdate) => heard.cells.push(news),
    done: () => (heard.done += 1),
    refused: () => (heard.refused += 1),
  };
  const close = followSweep("/api/sweeps/a/events", listener, (url) => {
    heard.url = url;
    return played;
  });
  return { played, heard, close };
}

test("cells are told until all are over", () => {
  const { played, heard } = followed();
  expect(heard.url).toBe("/api/sweeps/a/events");
  const news: CellUpdate = { cell: 2, values: [1.5], status: "running" };
  played.send("cell", JSON.stringify(news));
  expect(heard.cells).toEqual([news]);
  played.send("done");
  expect(heard).toMatchObject({ done: 1, refused: 0 });
  expect(played.readyState).toBe(2);
});

test("a refusal is told, a lost connection is the browser's", () => {
  const { played, heard } = followed();
  played.readyState = 0; // connecting again
  played.send("error");
  expect(heard.refused).toBe(0);
  played.readyState = 2; // 401, say
  played.send("error");
  expect(heard).toMatchObject({ refused: 1, done: 0 });
});

test("what is closed is closed", () => {
  const { played, close } = followed();
  close();
  expect(played.readyState).toBe(2);
});
