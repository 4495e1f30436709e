/** Settings to start from whose RMSE others have recorded. */

import { creditOf, type Credit } from "./credit";
import { requestFor, ROWS, type Row } from "./table";

/** Rows of the table that share a setting; the first gives the preset its name. */
const FAMILIES = [
  ["S08-penkf-40", "S08-denkf-40"],
  ["S08-penkf-28", "S08-ensrf-28"],
  ["S08-etkf-20"],
  ["S08-enkfn-24"],
  ["S08-letkf-10a", "S08-letkf-10b"],
  ["S08-etkf-28"],
  ["S08-letkf-7", "S08-eakf-7"],
  ["S19-letkf-40", "S19-optinterp"],
] as const;

export interface Recorded {
  row: Row;
  credit: Credit;
}

export interface Preset {
  id: string;
  members: number;
  recorded: readonly Recorded[];
}

/** Rows of the table that name a work and its number. */
export const RECORDED: readonly Recorded[] = ROWS.flatMap((row) => {
  const credit = creditOf(row.source);
  return credit === null ? [] : [{ row, credit }];
});

export const PRESETS: readonly Preset[] = FAMILIES.map((ids) => {
  const recorded = ids.flatMap((id) => RECORDED.filter(({ row }) => row.id === id));
  return { id: ids[0], members: recorded[0]?.row.ensemble_size ?? 0, recorded };
});

export const requestOfPreset = ({ recorded }: Preset) => requestFor(recorded.map(({ row }) => row));
