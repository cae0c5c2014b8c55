import { Injectable } from '@nestjs/common';
import { CallbackListRepository } from './callback-list.repository.js';
import type { LogCursor, LogFilter, LoggedCallbackWithAttempts, LogPage, LogScope } from './records.js';

const PAGE = 50;

/** Reads lists of callbacks, and one callback with its attempts. */
@Injectable()
export class CallbackLogReader {
  constructor(private readonly callbacks: CallbackListRepository) {}

  /**
   * Newest first. With a type or a reason a page may have fewer than `limit`, and none at all, before the last one.
   * @param limit 1 to 200
   */
  async list(scope: LogScope, filter: LogFilter = {}, after?: LogCursor, limit = PAGE): Promise<LogPage> {
    const found = await this.callbacks.list(scope, filter, limit + 1, after);
    const callbacks = found.callbacks.slice(0, limit);
    const last = found.callbacks.length > limit ? callbacks.at(-1) : undefined;
    return { callbacks, next: last ? { queuedAt: last.queuedAt, id: last.id } : found.lookedUntil };
  }

  find(scope: LogScope, id: string): Promise<LoggedCallbackWithAttempts | null> {
    return this.callbacks.find(scope, id);
  }
}
