import { Injectable } from '@nestjs/common';
import { CallbackRepository } from '../callbacks/callback.repository.js';
import { CallbackRecorder } from './callback-recorder.js';

/** The most callbacks of a statement, so that no statement has locks for long. */
const CHUNK = 1_000;

/**
 * Gives up the waiting callbacks of an endpoint that was deleted or disabled. If a crash leaves some, the relay gives
 * them up when they are due.
 */
@Injectable()
export class WaitingCallbacks {
  constructor(
    private readonly callbacks: CallbackRepository,
    private readonly recorder: CallbackRecorder,
  ) {}

  /** @returns how many were given up */
  async giveUp(endpointId: string, reason: 'cancelled' | 'disabled'): Promise<number> {
    for (let total = 0; ;) {
      const givenUp = await this.callbacks.giveUpWaiting(endpointId, reason, CHUNK);
      for (const row of givenUp) this.recorder.gaveUpRow(row, reason);
      total += givenUp.length;
      if (givenUp.length < CHUNK) return total;
    }
  }
}
