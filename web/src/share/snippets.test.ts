import { expect, test } from "vitest";

import type { RunRequest } from "../api/types";
import { snippet } from "./snippets";

const LABEL = `it's "1" \\ $HOME \`id\` é\nJSON\n`;
const REQUEST: RunRequest = {
  seed: 9007199254740991,
  lorenz96_F: 8,
  initial: "perturbed-truth",
  obs_network: "random",
  forecast_F: null,
  obs_sites: [0, 2],
  methods: [{ id: "m1", name: "letkf", label: LABEL, params: { r: 2, rotate: false } }],
};

/** What stands in the here-document. */
const body = (text: string): unknown => JSON.parse(/<<'JSON'\n([\s\S]*)\nJSON\n$/.exec(text)![1]!);

test("the body of curl is the request, and no line of it ends the document early", () => {
  const text = snippet("curl", REQUEST, "http://x/it's");
  expect(body(text)).toEqual(REQUEST);
  expect(text.split("\n").filter((line) => line === "JSON")).toHaveLength(1);
  expect(text).toContain(`'http://x/it'\\''s/api/runs'`);
});

test("gRPC has names of its own for choices, and no nulls", () => {
  const text = snippet("grpcurl", REQUEST, "http://x");
  expect(body(text)).toEqual({
    experiment: {
      seed: 9007199254740991,
      lorenz96_F: 8,
      initial: "INITIAL_PERTURBED_TRUTH",
      obs_network: "OBS_NETWORK_RANDOM",
      obs_sites: [0, 2],
    },
    methods: REQUEST.methods,
  });
});

test("Python has its own words for true, false and null", () => {
  const text = snippet("python", REQUEST, "http://x");
  expect(text).toContain(`SERVER = "http://x"\n`);
  expect(text).toContain(`    "forecast_F": None,\n    "obs_sites": [\n        0,\n        2,\n    ],\n`);
  expect(text).toContain(`"rotate": False,`);
  expect(text).toContain(`"label": ${JSON.stringify(LABEL)},`);
});
