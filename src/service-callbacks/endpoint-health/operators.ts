/**
 * The service that the platform's operators are, so that their alerts go the way of every callback: its callback
 * API, its dead letters and its rows of the log are found under this id. Never to be changed.
 */
export const OPERATORS = '00000000-0000-8000-8000-6f70657261a7';
