import { expect, test } from "vitest";

import { preferred, regional } from "./languages";

test.each([
  [["es-CO", "en"], "es"],
  [["de", "es", "en"], "es"],
  [["EN-gb"], "en"],
  [["fr"], "en"],
  [[], "en"],
] as const)("a browser that asks for %s gets %s", (browser, language) =>
  expect(preferred(browser)).toBe(language),
);

test("numbers are written as in the browser's region", () => {
  expect(regional("es", ["en-US", "es-MX", "es"])).toBe("es-MX");
  expect(regional("es", ["en-US"])).toBe("es");
});
