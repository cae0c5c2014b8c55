import { inTurn, type Scenario } from '../scenario.js';
import { fairness } from './fairness.js';
import { heldRetries } from './held-retries.js';
import { mixes } from './mixes.js';

/** What endpoints do to each other, and what a service does to another. */
export const isolation: Scenario = (context) =>
  inTurn(context, { fairness, 'retries beside held ones': heldRetries, mixes });
