/** How far given-up callbacks are counted for a button, and how many a page has. */
export const MAX_COUNTED = 10_000;
export const PAGE = 25;
