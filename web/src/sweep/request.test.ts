import { expect, test } from "vitest";

import { completed, described } from "./request";

test("what was not sent of the method is as the server takes it", () => {
  expect(completed({ seed: 7, methods: [{ id: "a", name: "etkf" }] })).toEqual({
    seed: 7,
    methods: [{ id: "a", name: "etkf", label: "etkf", params: {} }],
  });
  const whole = { methods: [{ id: "a", name: "etkf", label: "mine", params: {} }] };
  expect(completed(whole)).toEqual(whole);
});

test("in words, what is varied is a range, and what was not sent a default", () => {
  const request = completed({ ensemble_size: 20, seed: 7, methods: [{ id: "a", name: "etkf" }] });
  const axes = [
    { field: "ensemble_size", values: [5, 10, 40] },
    { field: "methods.0.params.inf_fact", values: [1, 2] },
  ];
  const shown = described(request, axes);
  expect(shown).toMatchObject({ ensemble_size: "5 … 40", seed: 7, lorenz96_n: 40, methods: request.methods });
  expect(Object.keys(shown)).not.toContain("methods.0.params.inf_fact");
  expect(request["ensemble_size"]).toBe(20);
});

test("how many sites are observed is told as the server takes it", () => {
  const methods = [{ id: "a", name: "etkf", label: "", params: {} }];
  expect(described({ methods }, [])["m"]).toBe(32);
  expect(described({ lorenz96_n: 12, methods }, [])["m"]).toBe(12);
  expect(described({ m: 5, methods }, [])["m"]).toBe(5);
  expect(described({ obs_sites: [1, 2], methods }, [])["m"]).toBeUndefined();
});
