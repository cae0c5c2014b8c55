/** The long variant (`npm run test:faults`) or the short one that is part of `npm test`. */
const isFull = process.env['FAULTS_FULL'] === '1';

/** A number that the long variant has larger. */
export function inFull(full: number, short: number): number {
  return isFull ? full : short;
}

/** For `it` and `beforeAll`, ms: a machine that does other things as well must not fail these. */
export const FAULT_TIMEOUT_MS = isFull ? 300_000 : 120_000;
