import { expect, test } from "vitest";

import { SseParser } from "./sse";

const TEXT = [
  "event: hello\ndata: {}\n\n",
  ": a comment\n\n",
  'id: 1\nevent: partial\ndata: {"a":\ndata: 1}\n\n',
  "data:no space\r\n\r\n",
].join("");

const MESSAGES = [
  { event: "hello", data: "{}" },
  { event: "partial", data: '{"a":\n1}' },
  { event: "message", data: "no space" },
];

test("messages are the same wherever the text is cut", () => {
  for (let cut = 0; cut <= TEXT.length; cut += 1) {
    const parser = new SseParser();
    expect([...parser.push(TEXT.slice(0, cut)), ...parser.push(TEXT.slice(cut))]).toEqual(MESSAGES);
  }
});

test("an unfinished message waits", () => {
  const parser = new SseParser();
  expect(parser.push("data: 1\n")).toEqual([]);
  expect(parser.push("\n")).toEqual([{ event: "message", data: "1" }]);
});
