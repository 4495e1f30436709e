/** What a run's request asks for beyond the usual, as texts. */

import type { RunRequest } from "../api/types";
import { FIELDS } from "../experiment/fields";
import { lookUp, t } from "../i18n";
import { plain } from "../i18n/numbers";
import { number } from "./format";

/** Settings of observing, model error, start and scoring that are not the default. */
export function unusual(request: RunRequest): string[] {
  return FIELDS.filter(({ group }) => group !== undefined).flatMap(({ name, start, follows, kind }) => {
    const value = request[name];
    const usual = follows === undefined ? start : request[follows];
    if (value === undefined || value === null || usual === "" || usual === undefined) return [];
    if (String(value) === String(usual) || Number(value) === Number(usual)) return [];
    const shown = kind === "choice" ? lookUp(`choice.${String(value)}`, String(value)) : shownValue(value);
    return [t("run.setting", { name: t(`field.${name}`), value: shown })];
  });
}

/** The experiment in one line. */
export function summary(request: RunRequest): string {
  const text = (name: string): string => shownValue(request[name]);
  const sites = request["obs_sites"];
  return t("run.summary", {
    n: text("lorenz96_n"),
    F: text("lorenz96_F"),
    members: text("ensemble_size"),
    sites: Array.isArray(sites) ? String(sites.length) : text("m"),
    interval: text("obs_freq"),
    std: deviation(request),
  });
}

/** A value of a request; a dash where it has none. */
export function shownValue(value: unknown): string {
  if (value === undefined || value === null) return "–";
  return typeof value === "number" ? plain(value) : String(value);
}

/** The standard deviation of the observation error, or its range over the sites. */
export function deviation(request: RunRequest): string {
  const sites = request["std_obs_sites"];
  if (!Array.isArray(sites) || sites.length === 0) return shownValue(request["std_obs"]);
  const values = sites.map(Number);
  const ends = [Math.min(...values), Math.max(...values)].map((end) => number(end, 3));
  return ends[0] === ends[1] ? ends[0]! : `${ends[0]} … ${ends[1]}`;
}
