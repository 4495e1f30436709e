/** Answers for tests. */

/** An answer of which only what a test looks at is there. */
export const partly = <T>(known: Partial<T>): T => known as T;
