import { expect, test } from "vitest";

import { compilingText } from "./compiling";

test.each([
  [null, "Compiling ETKF"],
  [2.2, "Compiling ETKF, about 2 s"],
  [0.97, "Compiling ETKF, about 1 s"],
  [0.42, "Compiling ETKF, about 0.4 s"],
  [0, "Compiling ETKF, about 0.1 s"],
  [71.5, "Compiling ETKF, about 72 s"],
])("one program, of %s seconds", (seconds, text) =>
  expect(compilingText([{ program: "etkf", seconds }])).toBe(text),
);

test("several, each with what is known of it, also those that methods share or nobody knows", () => {
  const programs = [
    { program: "truth", seconds: null },
    { program: "letkf", seconds: 3 },
    { program: "new-filter", seconds: null },
  ];
  expect(compilingText(programs)).toBe("Compiling the truth; LETKF, about 3 s; new-filter");
});
