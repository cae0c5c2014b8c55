/** The long variant (`npm run test:faults`) or the short one that is part of `npm test`. */
const isFull = process.env['FAULTS_FULL'] === '1';

/** A number that is larger in the long variant. */
export function inFull(full: number, short: number): number {
  return isFull ? full : short;
}

/** The timeout of `it` and `beforeAll`, ms: long enough for a busy machine. */
export const FAULT_TIMEOUT_MS = isFull ? 300_000 : 120_000;
