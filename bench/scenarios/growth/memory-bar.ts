/** Resident memory that a worker may come to, MiB. */
export const MEMORY_BAR_MIB = 400;
