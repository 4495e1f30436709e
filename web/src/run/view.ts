/** How a run, or a comparison, is looked at: what the address keeps besides the ids. */

import { QUANTITIES, type Quantity } from "./chartData";
import { FIRST_SORTING, type Sorting } from "./ranking";

export const AXES = ["log", "linear"] as const;
export type Axis = (typeof AXES)[number];

export interface View {
  quantity: Quantity;
  axis: Axis;
  /** Methods whose curves are not drawn. */
  hidden: readonly string[];
  sorting: Sorting;
}

export const firstView = (): View => ({
  quantity: "error",
  axis: "log",
  hidden: [],
  sorting: FIRST_SORTING,
});

/** True where the address has nothing to say. */
export const isFirstView = (view: View): boolean =>
  JSON.stringify(view) === JSON.stringify(firstView());

export function isView(value: unknown): value is View {
  if (typeof value !== "object" || value === null) return false;
  const { quantity, axis, hidden, sorting } = value as Partial<View>;
  return (
    QUANTITIES.some((known) => known === quantity) &&
    AXES.some((known) => known === axis) &&
    Array.isArray(hidden) &&
    hidden.every((id) => typeof id === "string") &&
    typeof sorting === "object" &&
    typeof sorting?.column === "string" &&
    typeof sorting.descending === "boolean"
  );
}

/** The list with the entry taken out, or put in where it was not. */
export const toggled = (list: readonly string[], entry: string): string[] =>
  list.includes(entry) ? list.filter((other) => other !== entry) : [...list, entry];
