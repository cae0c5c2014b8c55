/** How far given-up and waiting callbacks are counted for a button. */
export const MAX_COUNTED = 10_000;
