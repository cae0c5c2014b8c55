import { inTurn, type Scenario } from '../scenario.js';
import { held } from './held.js';
import { killed } from './killed.js';

/** How delivery recovers after an endpoint or a worker was gone. */
export const recovery: Scenario = (context) => inTurn(context, { held, killed });
