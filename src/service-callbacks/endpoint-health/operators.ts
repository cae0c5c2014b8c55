/**
 * The service id of the platform's operators. Their alerts are ordinary callbacks: their endpoint, dead letters and
 * records have this id. Never change it.
 */
export const OPERATORS = '00000000-0000-8000-8000-6f70657261a7';
