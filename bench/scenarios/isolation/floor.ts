/** Differences below this are the machine's, not the system's, ms. */
export const FLOOR_MS = 10;
