import { expect, test } from "vitest";

import { bibtex, linked, references, software } from "./citation";

const ENSRF = "Whitaker & Hamill (2002), doi:10.1175/1520-0493(2002)130<1913:EDAWPO>2.0.CO;2";
const request = {
  methods: ["letkf", "ensrf", "letkf", "mine"].map((name, i) => ({ id: `m${i}`, name, label: "", params: {} })),
};

test("the paper of each method, once", () => {
  const known = { letkf: "Hunt (2007)", ensrf: ENSRF, mine: "", other: "no" };
  expect(references(request, known)).toEqual([
    { method: "letkf", text: "Hunt (2007)" },
    { method: "ensrf", text: ENSRF },
  ]);
});

test("a DOI is a link, up to where it ends", () => {
  expect(linked(`${ENSRF}; Mandel (2006), doi:10.1/x.`)).toEqual([
    { text: "Whitaker & Hamill (2002), " },
    { text: "doi:10.1175/1520-0493(2002)130<1913:EDAWPO>2.0.CO;2", doi: "10.1175/1520-0493(2002)130<1913:EDAWPO>2.0.CO;2" },
    { text: "; Mandel (2006), " },
    { text: "doi:10.1/x", doi: "10.1/x" },
    { text: "." },
  ]);
  expect(linked("Lorenz (1996)")).toEqual([{ text: "Lorenz (1996)" }]);
});

test("software with its versions and what it ran on", () => {
  const devices = [{ platform: "cpu", kind: "cpu" }, { platform: "cpu", kind: "cpu" }];
  expect(software({ versions: { jax: "1", "learn-da": "2" }, devices })).toBe("LEARN-DA 2 (jax 1, on cpu)");
  expect(software(null)).toBe(null);
});

test("BibTeX has version, seed and papers, and nothing that TeX would take for its own", () => {
  const text = bibtex({
    id: "12345678-rest",
    createdAt: 0,
    seed: "7",
    software: "LEARN-DA 2",
    address: "http://x/?run=1",
    references: [{ method: "ensrf", text: ENSRF }],
  });
  expect(text).toContain("LEARN-DA 2; seed 7; run 12345678-rest; 1970-01-01; methods after ensrf: Whitaker \\& Hamill");
  expect(text).toContain("130\\ensuremath{<}1913");
  expect(text.match(/\{/g)!.length).toBe(text.match(/\}/g)!.length);
});
