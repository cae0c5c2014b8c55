/** How far dead letters and what waits are counted for a button. */
export const MAX_COUNTED = 10_000;
