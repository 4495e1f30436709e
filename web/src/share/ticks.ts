/** Round numbers on an axis. */

export type Range = readonly [low: number, high: number];

/** Within the range: powers of ten on a logarithmic axis, else four to ten equal steps. */
export function ticks([low, high]: Range, log: boolean): number[] {
  if (log) {
    const powers = span(Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9));
    const every = Math.ceil(powers.length / 10);
    return powers.filter((_, index) => index % every === 0).map((power) => Number(`1e${power}`));
  }
  const step = roundStep((high - low) / 8);
  return span(Math.ceil(low / step - 1e-9), Math.floor(high / step + 1e-9)).map((count) =>
    Number((count * step).toPrecision(12)),
  );
}

/** The smallest of 1, 2, 5, 10 … that is at least this. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 2, 5].find((digit) => digit * power >= least * (1 - 1e-9)) ?? 10);
}

const span = (first: number, last: number): number[] =>
  Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);

/** Of a logarithmic axis that may be short: 1, 2 and 5 times powers of ten, or else equal steps. */
export function finerTicks(range: Range): number[] {
  const [low, high] = range;
  if (high / low < 8) return ticks(range, false);
  if (high / low > 1e3) return ticks(range, true);
  const powers = span(Math.floor(Math.log10(low)), Math.ceil(Math.log10(high)));
  return powers
    .flatMap((power) => [1, 2, 5].map((digit) => Number(`${digit}e${power}`)))
    .filter((value) => value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9));
}
