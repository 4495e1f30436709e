/** States to look at, as the server keeps them: half-precision numbers [step, state, site]. */

export interface States {
  /** Ascending. */
  steps: number[];
  /** Of a method: mean, standard deviation, members; of the truth: the truth, observations. */
  stateCount: number;
  siteCount: number;
  values: Float32Array;
}

export const MEAN = 0;
export const DEVIATION = 1;
export const FIRST_MEMBER = 2;
export const TRUTH = 0;
export const OBSERVED = 1;

/** What compute keeps at most; see `compute/states.py`. */
const MOST_STEPS = 400;
const MOST_SITES = 120;

/** Before the first ones: of as many sites as they will have. */
export function noStates(sites: number): States {
  const siteCount = Math.min(sites, MOST_SITES);
  return { steps: [], stateCount: FIRST_MEMBER, siteCount, values: new Float32Array() };
}

/** All numbers that 16 bits can say, by the bits: looking up is quicker than computing. */
let halves: Float32Array | null = null;

/** An answer of `/api/runs/{id}/states`. */
export function decode(buffer: ArrayBuffer): States {
  const bytes = new Uint8Array(buffer);
  const end = bytes.indexOf(0x0a);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end))) as {
    steps: number[];
    state_count: number;
    site_count: number;
  };
  const data = new DataView(buffer, end + 1);
  const values = new Float32Array(data.byteLength / 2);
  halves ??= Float32Array.from({ length: 1 << 16 }, (_, bits) => half(bits));
  for (let k = 0; k < values.length; k++) values[k] = halves[data.getUint16(2 * k, true)]!;
  return {
    steps: head.steps,
    stateCount: head.state_count,
    siteCount: head.site_count,
    values,
  };
}

/** A number of 16 bits as IEEE 754 has it. */
export function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** More steps after those that are there. */
export function joined(before: States | null, more: States): States {
  if (before === null) return more;
  const values = new Float32Array(before.values.length + more.values.length);
  values.set(before.values);
  values.set(more.values, before.values.length);
  return { ...before, steps: [...before.steps, ...more.steps], values };
}

/** One state of the k-th kept step: [site]. */
export function stateAt(states: States, k: number, state: number): Float32Array {
  const from = (k * states.stateCount + state) * states.siteCount;
  return states.values.subarray(from, from + states.siteCount);
}

/** Numbers by step and site: [step, site]. */
export interface Grid {
  steps: number;
  sites: number;
  values: Float32Array;
}

/** One state of every step. */
export function gridOf(states: States, state: number): Grid {
  const { steps, siteCount: sites } = states;
  const values = new Float32Array(steps.length * sites);
  for (let k = 0; k < steps.length; k++) values.set(stateAt(states, k, state), k * sites);
  return { steps: steps.length, sites, values };
}

/** Analysis minus truth, of the steps that both have. */
export function errorGrid(method: States, truth: States): Grid {
  const steps = Math.min(method.steps.length, truth.steps.length);
  const sites = truth.siteCount;
  const values = new Float32Array(steps * sites);
  for (let k = 0; k < steps; k++) {
    const mean = stateAt(method, k, MEAN);
    const real = stateAt(truth, k, TRUTH);
    for (let s = 0; s < sites; s++) values[k * sites + s] = mean[s]! - real[s]!;
  }
  return { steps, sites, values };
}

/** The least and the largest finite number, widened to whole ones; null where there is none. */
export function range(values: ArrayLike<number>): [number, number] | null {
  let low = Infinity;
  let high = -Infinity;
  for (let k = 0; k < values.length; k++) {
    const value = values[k]!;
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low > high ? null : [Math.floor(low), Math.ceil(high)];
}

/** Where a colour scale from zero ends: what all but the largest two in a hundred stay under, in two
    digits. */
export function scaleEnd(values: ArrayLike<number>): number {
  const found = new Float64Array(values.length);
  let count = 0;
  for (let k = 0; k < values.length; k++) {
    const size = Math.abs(values[k]!);
    if (Number.isFinite(size)) found[count++] = size;
  }
  const sizes = found.subarray(0, count).sort();
  const end = sizes[Math.floor(0.98 * (sizes.length - 1))] ?? 0;
  if (end === 0) return 1;
  const unit = 10 ** (Math.floor(Math.log10(end)) - 1);
  return Math.ceil(end / unit - 1e-9) * unit;
}

/** Root mean squared difference; null where one is not finite. */
export function rmse(a: Float32Array, b: Float32Array): number | null {
  let sum = 0;
  for (let s = 0; s < a.length; s++) sum += (a[s]! - b[s]!) ** 2;
  const found = Math.sqrt(sum / a.length);
  return Number.isFinite(found) ? found : null;
}

/** The columns of a figure of all steps: what is to come has its place from the start. */
export function columnCount(kept: readonly number[], stepCount: number): number {
  const stride = kept.length > 1 ? kept[1]! - kept[0]! : Math.ceil(stepCount / MOST_STEPS);
  return Math.max(kept.length, Math.ceil(stepCount / stride));
}
