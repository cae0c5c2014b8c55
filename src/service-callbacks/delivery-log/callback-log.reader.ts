import { Injectable } from '@nestjs/common';
import { CallbackLogRepository } from './callback-log.repository.js';
import type { LogCursor, LogFilter, LoggedCallbackWithAttempts, LogPage, LogScope } from './records.js';
import { WaitingCallbacks } from './waiting-callbacks.js';

const PAGE = 50;

/** The delivery log as it is read: lists, and one callback with its attempts. */
@Injectable()
export class CallbackLogReader {
  constructor(
    private readonly log: CallbackLogRepository,
    private readonly waiting: WaitingCallbacks,
  ) {}

  /** Newest first; not the callbacks that wait for their first attempt. @param limit 1 to 200 */
  async list(scope: LogScope, filter: LogFilter = {}, after?: LogCursor, limit = PAGE): Promise<LogPage> {
    const found = await this.log.list(scope, filter, limit + 1, after);
    const callbacks = found.slice(0, limit);
    const last = found.length > limit ? callbacks.at(-1) : undefined;
    return { callbacks, next: last ? { queuedAt: last.queuedAt, id: last.id } : null };
  }

  /**
   * What is not in the log yet is looked for in the queue, and is `waiting` then.
   * @throws QueueSilentError where the queue would have to be asked and does not answer.
   */
  async find(scope: LogScope, id: string): Promise<LoggedCallbackWithAttempts | null> {
    return (await this.log.find(scope, id)) ?? this.waiting.find(scope, id);
  }
}
