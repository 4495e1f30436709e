/** The colours of methods: custom properties `--curve-0` ... of style/tokens.css, in this order. */

export const CURVE_COUNT = 10;

export const curveVariable = (index: number): string => `--curve-${index % CURVE_COUNT}`;
