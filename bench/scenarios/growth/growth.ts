import type { Scenario } from '../scenario.js';
import { attemptsInFlight } from './attempts-in-flight.js';
import { manyEndpoints } from './many-endpoints.js';
import { queueLength } from './queue-length.js';

/** Whether a long queue, many endpoints or many attempts in flight make a worker slower or bigger. */
export const growth: Scenario = async function* (context) {
  // A quick run has no time to register thousands.
  const parts = context.options.quick
    ? [queueLength, attemptsInFlight]
    : [queueLength, manyEndpoints, attemptsInFlight];
  for (const part of parts) yield* part(context);
};
