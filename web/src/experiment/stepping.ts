/** Arrow keys in a number field. */

import { withPoint } from "./numbers";

export interface Range {
  min?: number | undefined;
  max?: number | undefined;
  step?: number | undefined;
}

/** The text one step up (+1) or down (−1), within the range; unchanged where it is no number. */
export function stepped(entry: string, direction: 1 | -1, { min, max, step = 1 }: Range): string {
  const text = withPoint(entry);
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) return entry;
  const digits = Math.max(decimals(String(step)), decimals(text.trim()));
  const next = Math.min(max ?? Infinity, Math.max(min ?? -Infinity, value + direction * step));
  return String(Number(next.toFixed(Math.min(digits, 20))));
}

const decimals = (text: string): number => /\.(\d+)$/.exec(text)?.[1]?.length ?? 0;
