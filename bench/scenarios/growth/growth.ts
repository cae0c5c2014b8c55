import { inTurn, type Scenario } from '../scenario.js';
import { attemptsInFlight } from './attempts-in-flight.js';
import { manyEndpoints } from './many-endpoints.js';
import { oldSnapshot } from './old-snapshot.js';
import { queueLength } from './queue-length.js';

/** Whether many pending callbacks, endpoints or attempts in flight, or an old snapshot, make it slower or larger. */
export const growth: Scenario = (context) =>
  inTurn(context, {
    'pending callbacks': queueLength,
    'attempts in flight': attemptsInFlight,
    'an old snapshot': oldSnapshot,
    // A quick run has no time to register thousands.
    ...(!context.options.quick && { endpoints: manyEndpoints }),
  });
