import type { Scenario } from '../scenario.js';
import { deferredRetries } from './deferred-retries.js';
import { fairness } from './fairness.js';
import { mixes } from './mixes.js';
import { recovery } from './recovery.js';

/** What endpoints do to each other, and what a service does to another. */
export const isolation: Scenario = async function* (context) {
  // A quick run has no time for floods.
  const parts = context.options.quick ? [mixes] : [mixes, fairness, deferredRetries, recovery];
  for (const part of parts) yield* part(context);
};
