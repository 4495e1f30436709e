import { beforeEach, describe, expect, it, vi } from "vitest";
import { inTurn } from "./turns";

const frames: (() => void)[] = [];
const frame = () => frames.splice(0).forEach((each) => each());

beforeEach(() => {
  vi.stubGlobal("requestAnimationFrame", (each: () => void) => frames.push(each));
});

describe("drawings in turn", () => {
  it("are one a frame, in order", () => {
    const drawn: string[] = [];
    for (const name of ["a", "b", "c"]) inTurn(() => drawn.push(name));
    expect(drawn).toEqual([]);
    frame();
    expect(drawn).toEqual(["a"]);
    frame();
    frame();
    expect(drawn).toEqual(["a", "b", "c"]);
    expect(frames).toHaveLength(0);
  });

  it("are not done when they are taken back", () => {
    const drawn: string[] = [];
    const takeBack = inTurn(() => drawn.push("a"));
    inTurn(() => drawn.push("b"));
    takeBack();
    frame();
    expect(drawn).toEqual(["b"]);
    inTurn(() => drawn.push("c"));
    frame();
    expect(drawn).toEqual(["b", "c"]);
  });
});
