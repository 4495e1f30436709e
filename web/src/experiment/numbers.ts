/** A number as people write it, with a decimal comma perhaps, with the point that a request has. */
export const withPoint = (text: string): string => text.replace(/^\s*([+-]?\d*),(\d+)\s*$/, "$1.$2");
