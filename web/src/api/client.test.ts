import { afterEach, expect, test, vi } from "vitest";

import { ApiError, createRun, getMethods, onTokenNeeded, signIn } from "./client";

const REFUSED = { status: 401, error: "a token is needed" };

/** Answers in turn; the last one for ever. */
function answers(...bodies: { status: number }[]): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", (path: string, init?: RequestInit) => {
    asked.push(`${init?.method ?? "GET"} ${path}`);
    const body = bodies.length > 1 ? bodies.shift()! : bodies[0]!;
    return Promise.resolve(new Response(JSON.stringify(body), { status: body.status }));
  });
  return asked;
}

afterEach(() => {
  onTokenNeeded(null);
  vi.unstubAllGlobals();
});

test("what was refused waits for a token, and is then asked again", async () => {
  const asked = answers(REFUSED, REFUSED, { status: 200 });
  let admit = () => {};
  let asking = 0;
  onTokenNeeded(() => {
    asking += 1;
    return new Promise((resolve) => (admit = resolve));
  });
  let done = false;
  const run = createRun({ methods: [] }).then(() => (done = true));
  await vi.waitFor(() => expect(asking).toBe(1));
  expect(asked).toHaveLength(1);
  admit(); // with a token that is revoked at once
  await vi.waitFor(() => expect(asking).toBe(2));
  expect(done).toBe(false);
  admit();
  await run;
  expect(asked).toEqual(Array(3).fill("POST /api/runs"));
});

test("a token that is refused is said at once, and so is a 401 where nobody asks", async () => {
  answers(REFUSED);
  await expect(getMethods()).rejects.toThrow(ApiError);
  onTokenNeeded(() => Promise.reject(new Error("asked")));
  await expect(signIn("wrong")).rejects.toThrow("a token is needed");
});
