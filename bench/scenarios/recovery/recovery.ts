import { inTurn, type Scenario } from '../scenario.js';
import { held } from './held.js';
import { killed } from './killed.js';

/** What is owed when an endpoint or a worker has gone, and comes back. */
export const recovery: Scenario = (context) => inTurn(context, { held, killed });
