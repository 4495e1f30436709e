/** The recorded RMSEs that `learn-da accuracy` reproduces: the table as it is shipped. */

import type { RunRequest, Value } from "../api/types";
import table from "../../../learnda/accuracy/lorenz96.json";

/** One method in a setting, and the time mean of its analysis RMSE as somebody recorded it. */
export interface Row {
  id: string;
  method: string;
  /** Absent where the method has no members. */
  ensemble_size?: number;
  params: Record<string, Value>;
  /** What differs from the table's common settings. */
  request?: Record<string, unknown>;
  /** Who recorded it, and the number, in words. */
  source: string;
}

export const ROWS = table.rows as readonly unknown[] as readonly Row[];

/** One request for rows of the same setting, with a method for each. */
export function requestFor(rows: readonly Row[]): RunRequest {
  const sized = rows.find(({ ensemble_size }) => ensemble_size !== undefined);
  const fields: Record<string, unknown> = { ...table.base, ...rows[0]?.request };
  if ("obs_sites" in fields) delete fields["m"];
  if (sized !== undefined) fields["ensemble_size"] = sized.ensemble_size;
  const methods = rows.map(({ method, params }, index) => ({
    id: `m${index + 1}`,
    name: method,
    label: "",
    params,
  }));
  return { ...fields, methods };
}
