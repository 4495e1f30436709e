/** The works that the page names. Titles stay in their own language; notes are dictionary keys. */

import type { Key } from "./index";

export interface Citation {
  text: string;
  doi: string;
  bibtex: string;
}

export const CITATIONS: readonly Citation[] = [
  {
    text: "Niño-Ruiz, E. D. & Racedo Valbuena, S. (2022). TEDA: A Computational Toolbox for Teaching Ensemble Based Data Assimilation. Computational Science – ICCS 2022, Lecture Notes in Computer Science 13353, 787–801. Springer.",
    doi: "10.1007/978-3-031-08760-8_60",
    bibtex: `@inproceedings{nino2022teda,
  author    = {Ni{\\~n}o-Ruiz, El{\\'i}as D. and Racedo Valbuena, Sebasti{\\'a}n},
  title     = {{TEDA}: A Computational Toolbox for Teaching Ensemble Based Data Assimilation},
  booktitle = {Computational Science -- ICCS 2022},
  series    = {Lecture Notes in Computer Science},
  volume    = {13353},
  pages     = {787--801},
  publisher = {Springer},
  year      = {2022},
  doi       = {10.1007/978-3-031-08760-8_60}
}`,
  },
  {
    text: "Niño-Ruiz, E. D. & Consuegra, R. (2023). AMLCS-DA: A data assimilation package in Python for Atmospheric General Circulation Models. SoftwareX 22, 101374.",
    doi: "10.1016/j.softx.2023.101374",
    bibtex: `@article{nino2023amlcsda,
  author  = {Ni{\\~n}o-Ruiz, El{\\'i}as D. and Consuegra, Randy},
  title   = {{AMLCS-DA}: A data assimilation package in {Python} for Atmospheric General Circulation Models},
  journal = {SoftwareX},
  volume  = {22},
  pages   = {101374},
  year    = {2023},
  doi     = {10.1016/j.softx.2023.101374}
}`,
  },
];

export interface Resource {
  kind: "paper" | "book" | "software";
  text: string;
  url: string;
  note: Key;
}

export const RESOURCES: readonly Resource[] = [
  {
    kind: "paper",
    text: "Lorenz, E. N. (1996). Predictability: a problem partly solved. Proc. Seminar on Predictability, ECMWF.",
    url: "https://doi.org/10.1017/CBO9780511617652.004",
    note: "learn.lorenz",
  },
  {
    kind: "paper",
    text: "Evensen, G. (1994). Sequential data assimilation with a nonlinear quasi-geostrophic model using Monte Carlo methods to forecast error statistics. J. Geophys. Res. 99, 10143–10162.",
    url: "https://doi.org/10.1029/94JC00572",
    note: "learn.evensen",
  },
  {
    kind: "paper",
    text: "Bishop, C. H., Etherton, B. J. & Majumdar, S. J. (2001). Adaptive sampling with the ensemble transform Kalman filter. Part I. Mon. Weather Rev. 129, 420–436.",
    url: "https://doi.org/10.1175/1520-0493(2001)129%3C0420:ASWTET%3E2.0.CO;2",
    note: "learn.bishop",
  },
  {
    kind: "paper",
    text: "Hunt, B. R., Kostelich, E. J. & Szunyogh, I. (2007). Efficient data assimilation for spatiotemporal chaos: a local ensemble transform Kalman filter. Physica D 230, 112–126.",
    url: "https://doi.org/10.1016/j.physd.2006.11.008",
    note: "learn.hunt",
  },
  {
    kind: "book",
    text: "Asch, M., Bocquet, M. & Nodet, M. (2016). Data Assimilation: Methods, Algorithms, and Applications. SIAM.",
    url: "https://doi.org/10.1137/1.9781611974546",
    note: "learn.asch",
  },
  {
    kind: "software",
    text: "Raanes, P. N. and others. DAPPER: data assimilation with Python, a package for experimental research.",
    url: "https://github.com/nansencenter/DAPPER",
    note: "learn.dapper",
  },
];
