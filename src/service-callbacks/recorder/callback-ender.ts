import { Injectable } from '@nestjs/common';
import { CallbackRepository } from '../callbacks/callback.repository.js';
import { CallbackRecorder } from './callback-recorder.js';

/** The most callbacks of a statement: none of them holds locks for long. */
const CHUNK = 1_000;

/**
 * Gives up the waiting callbacks of an endpoint that was deleted or disabled. If a crash leaves some, the relay gives
 * them up when they are due.
 */
@Injectable()
export class CallbackEnder {
  constructor(
    private readonly callbacks: CallbackRepository,
    private readonly recorder: CallbackRecorder,
  ) {}

  /** @returns how many were given up */
  async end(endpointId: string, reason: 'cancelled' | 'disabled'): Promise<number> {
    for (let total = 0; ;) {
      const ended = await this.callbacks.endOfEndpoint(endpointId, reason, CHUNK);
      for (const row of ended) this.recorder.ended(row, reason);
      total += ended.length;
      if (ended.length < CHUNK) return total;
    }
  }
}
