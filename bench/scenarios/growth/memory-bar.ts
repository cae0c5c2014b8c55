/** The highest resident memory of a worker, MiB. */
export const MEMORY_BAR_MIB = 400;
