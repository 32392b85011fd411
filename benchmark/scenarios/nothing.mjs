/** Nothing: what importing costs by itself. */
export const nothing = undefined;
