import { expect, test } from "vitest";

import { deviation, summary, unusual } from "./facts";

const USUAL = {
  lorenz96_F: 8,
  forecast_F: 8,
  obs_network: "random",
  obs_error_dof: 5,
  truth_noise: 0,
  dt: 0.05,
  methods: [],
};

test("only what is not as usual is said", () => {
  expect(unusual(USUAL)).toEqual([]);
  expect(unusual({ methods: [] })).toEqual([]);
  const request = { ...USUAL, obs_operator: "square", forecast_F: 9, obs_sites: [1, 2] };
  expect(unusual(request)).toEqual(["Observed quantity: x²", "Forecast F: 9"]);
});

test("one deviation, or its range over the sites", () => {
  expect(deviation({ std_obs: 0.01, methods: [] })).toBe("0.01");
  expect(deviation({ std_obs_sites: [0.5, 0.1, 1], methods: [] })).toBe("0.100 … 1.00");
  expect(deviation({ methods: [] })).toBe("–");
});

test("the experiment in one line", () => {
  const request = { lorenz96_n: 40, lorenz96_F: 8, ensemble_size: 20, obs_sites: [1, 2], obs_freq: 0.1, std_obs: 0.5 };
  const text = summary({ ...request, methods: [] });
  expect(text).toBe("n = 40, F = 8, 20 members, 2 sites observed every 0.1 with σ = 0.5");
});
