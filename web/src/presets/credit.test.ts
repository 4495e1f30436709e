import { expect, test } from "vitest";

import { creditOf } from "./credit";

test.each([
  ["Sakov & Oke 2008b, MWR 136 (0.22); 40,000-cycle grid of a third party (0.217)", "Sakov & Oke 2008b", false, 0.22],
  ["Sakov & Oke 2008a, Tellus 60A, as in DAPPER sakov2008 (0.18)", "Sakov & Oke 2008a", false, 0.18],
  ["DAPPER hoteit2015 (0.21, two-site domains)", "Hoteit et al. 2015", true, 0.21],
  ["DAPPER bocquet2010_m40 (0.58, short run); re-run (0.594)", "Bocquet 2010", true, 0.58],
] as const)("%s", (source, work, dapper, rmse) =>
  expect(creditOf(source)).toMatchObject({ work, dapper, rmse }),
);

test.each([
  "own computation",
  "40,000-cycle grid of a third party (4.48)",
  "DAPPER re-run with rotation (0.85)",
  "DAPPER unheardof2031 (0.1)",
])("%s names no published work", (source) => expect(creditOf(source)).toBe(null));
