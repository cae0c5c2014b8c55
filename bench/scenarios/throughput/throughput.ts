import { inTurn, type Scenario } from '../scenario.js';
import { deliveryRate } from './delivery-rate.js';
import { enqueue } from './enqueue.js';
import { loneCallback } from './lone-callback.js';
import { receipts } from './receipts.js';

/** The cost of a callback, from the statement that enqueues it to its arrival. */
export const throughput: Scenario = (context) =>
  inTurn(context, { 'delivery rate': deliveryRate, enqueue, 'lone callback': loneCallback, receipts });
