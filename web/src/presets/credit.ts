/** Whose number it is: read from the words of the table. */

export interface Credit {
  /** Author and year. */
  work: string;
  /** The number is of DAPPER's reproduction of that work. */
  dapper: boolean;
  rmse: number;
  /** As it was printed: its digits say how exact it is. */
  printed: string;
}

/** The works behind the names of DAPPER's experiments. */
const WORKS: Record<string, string> = {
  bocquet2010: "Bocquet 2010",
  frei2013: "Frei & Künsch 2013",
  hoteit2015: "Hoteit et al. 2015",
  sakov2008: "Sakov & Oke 2008",
  spantini2019: "Spantini et al. 2019",
};

/** The first of the sources that names a work and a number; null where none does. */
export function creditOf(source: string): Credit | null {
  for (const entry of source.split("; ")) {
    const [, words = "", printed = ""] = /^(.*?) \((\d+(?:\.\d+)?)[,)]/.exec(entry) ?? [];
    const dapper = words.startsWith("DAPPER ");
    const work = dapper ? reproduced(words) : /^[A-Z][^,]* \d{4}[a-z]?(?=,|$)/.exec(words)?.[0];
    if (work !== undefined) return { work, dapper, rmse: Number(printed), printed };
  }
  return null;
}

const reproduced = (words: string): string | undefined =>
  WORKS[/^DAPPER ([a-z]+\d{4})/.exec(words)?.[1] ?? ""];
