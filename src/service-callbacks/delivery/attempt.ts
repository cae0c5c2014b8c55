import { Injectable } from '@nestjs/common';
import { Clock } from '../clock.js';
import { CallbackClient } from './callback-client.js';
import type { AttemptRecord } from './callback-job.js';
import type { AttemptFacts } from './callback-log.js';
import type { Callback } from './callback.js';
import type { DeliveryOutcome } from './delivery-outcome.js';

export interface AttemptResult {
  readonly outcome: DeliveryOutcome;
  readonly facts: AttemptFacts;
  /** The callback with this attempt in its history. */
  readonly callback: Callback;
}

/** Makes one attempt and remembers it. No database, no queue: what follows is the processor's. */
@Injectable()
export class AttemptMaker {
  constructor(
    private readonly client: CallbackClient,
    private readonly clock: Clock,
  ) {}

  async make(callback: Callback): Promise<AttemptResult> {
    const at = new Date(this.clock.now()).toISOString();
    const outcome = await this.client.send({
      id: callback.id,
      url: callback.document.url,
      bearerToken: callback.document.bearer_token,
      body: JSON.stringify(callback.document.payload),
    });
    const attempts = [...callback.attempts, record(at, outcome)];
    const facts = { attempt: attempts.length, durationMs: outcome.durationMs };
    return { outcome, facts, callback: { ...callback, attempts } };
  }
}

function record(at: string, outcome: DeliveryOutcome): AttemptRecord {
  const duration_ms = outcome.durationMs;
  if (outcome.kind === 'delivered') return { at, duration_ms, status_code: outcome.statusCode };
  const { statusCode, error } = outcome.failure;
  return statusCode === undefined ? { at, duration_ms, error } : { at, duration_ms, status_code: statusCode };
}
