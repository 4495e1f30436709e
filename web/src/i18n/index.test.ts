import { afterEach, expect, test } from "vitest";

import { number, percent, seconds } from "../run/format";
import { en } from "./en";
import { es } from "./es";
import { parameterText, plural, t, type Key } from ".";
import { language } from "./language.svelte";

afterEach(() => language.choose("en"));

const holes = (text: string): string[] => [...text.matchAll(/\{\w+\}/g)].map(String).sort();

test.each(Object.keys(en) as Key[])("%s has the same values in both languages", (key) =>
  expect(holes(es[key])).toEqual(holes(en[key])),
);

test("a text, its plural and its numbers follow the language", () => {
  expect(plural("methods.found", 1)).toBe("One method found.");
  expect(plural("run.replicates", 3)).toBe("3 replicates");
  expect(t("chart.at", { t: 12345.25 })).toBe("t = 12345.25");
  expect(parameterText("Localisation radius")).toBe("Localisation radius");
  language.choose("es");
  expect(plural("methods.found", 1)).toBe("Se encontró un método.");
  expect(plural("run.replicates", 3)).toBe("3 réplicas");
  expect(plural("run.replicates", 1_000_000)).toBe("1000000 réplicas");
  expect(t("chart.at", { t: 12345.25 })).toBe("t = 12345,25");
  expect(parameterText("Localisation radius")).toBe("Radio de localización");
  expect(parameterText("of another server")).toBe("of another server");
});

test("scores have the language's decimal mark", () => {
  language.choose("es");
  expect([number(0.2174, 3), number(0.00012345), seconds(12.345), percent(-0.0512)]).toEqual([
    "0,217",
    "1,23e-4",
    "12,3 s",
    "−5,1 %",
  ]);
});
