import { inTurn, type Scenario } from '../scenario.js';
import { held } from './held.js';
import { killed } from './killed.js';

/** How delivery recovers after an outage of an endpoint or a worker. */
export const recovery: Scenario = (context) => inTurn(context, { held, killed });
