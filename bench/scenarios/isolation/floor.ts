/** Smaller differences come from the machine, ms. */
export const FLOOR_MS = 10;
