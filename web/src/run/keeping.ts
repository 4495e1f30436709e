/** How long a run stays, in words. */

import type { Words } from "../api/types";
import { t } from "../i18n";

/** Named, noted or shared. */
export const isKept = ({ name, note, shared }: Words): boolean =>
  name !== null || note !== null || shared;

const UNITS = [
  ["days", 86_400],
  ["hours", 3600],
  ["minutes", 60],
] as const;

/** "24 hours"; where it is not known, that it is "some time". */
export function span(seconds: number | null): string {
  if (seconds === null) return t("span.unknown");
  const [name, unit] = UNITS.find(([, unit]) => seconds >= 2 * unit) ?? ["seconds", 1];
  return t(`span.${name}`, { count: Number((seconds / unit).toPrecision(2)) });
}
