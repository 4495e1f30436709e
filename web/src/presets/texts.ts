/** Credits in words. */

import { methodName, plural, t } from "../i18n";
import { decimal } from "../i18n/numbers";
import type { Credit } from "./credit";
import type { Preset } from "./presets";

/** Who computed it. */
export const creditText = ({ work, dapper }: Credit): string =>
  dapper ? t("credit.dapper", { work }) : work;

/** The number, to as many digits as it was printed. */
export function printedText({ rmse, printed }: Credit): string {
  const digits = /\.(\d+)$/.exec(printed)?.[1]?.length ?? 0;
  return decimal(rmse, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export const referenceText = (credit: Credit): string =>
  t("credit.rmse", { who: creditText(credit), rmse: printedText(credit) });

export function presetTitle({ recorded, members }: Preset): string {
  const [first] = recorded;
  const who = first === undefined ? "" : creditText(first.credit);
  return t("preset.title", { who, members: plural("preset.members", members) });
}

/** The methods of a preset, each with its number. */
export const presetNumbers = ({ recorded }: Preset): string =>
  recorded
    .map(({ row, credit }) => `${methodName(row.method)} ${printedText(credit)}`)
    .join(" · ");
