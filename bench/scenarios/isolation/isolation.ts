import { inTurn, type Scenario } from '../scenario.js';
import { fairness } from './fairness.js';
import { heldRetries } from './held-retries.js';
import { mixes } from './mixes.js';

/** How endpoints affect each other, and how services do. */
export const isolation: Scenario = (context) =>
  inTurn(context, { fairness, 'retries beside held ones': heldRetries, mixes });
