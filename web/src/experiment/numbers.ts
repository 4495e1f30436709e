/** A comma before three digits, after a number that could be thousands: 1,000 is one, or a thousand. */
const GROUPED = /^\s*[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?\s*$/;

export const isGrouped = (text: string): boolean => GROUPED.test(text);

/** A number as people write it, with a decimal comma perhaps, with the point that a request has. */
export const withPoint = (text: string): string =>
  isGrouped(text) ? text : text.replace(/^\s*([+-]?\d*),(\d+)\s*$/, "$1.$2");
