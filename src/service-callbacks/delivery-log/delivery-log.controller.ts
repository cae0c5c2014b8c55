import {
  BadRequestException,
  Controller,
  Get,
  NotFoundException,
  ServiceUnavailableException,
  UseFilters,
} from '@nestjs/common';
import { HttpErrorFilter } from '../../http/http-error.filter.js';
import { RequiresScope } from '../../http/requires-scope.decorator.js';
import { ValidParam, ValidQuery } from '../../http/valid-input.js';
import { CallbackLogReader } from './callback-log.reader.js';
import { listCallbacksQuery, uuidParam, type ListCallbacksQuery } from './delivery-log.schemas.js';
import { decodeLogCursor, encodeLogCursor } from './log-cursor.js';
import { QueueSilentError } from './queue-silent.error.js';
import type { LoggedAttempt, LoggedCallback } from './records.js';

/** What became of a service's callbacks, and what its servers answered. */
@Controller('service/:service_id/callbacks')
@UseFilters(HttpErrorFilter)
export class DeliveryLogController {
  constructor(private readonly log: CallbackLogReader) {}

  /**
   * Newest first; `next_cursor` is null on the last page. Callbacks before their first attempt are not in the
   * list.
   */
  @Get()
  @RequiresScope('callbacks:read')
  async list(
    @ValidParam('service_id', uuidParam) serviceId: string,
    @ValidQuery(listCallbacksQuery) query: ListCallbacksQuery,
  ) {
    const { cursor, limit, callback_api_id: callbackApiId, subject_id: subjectId, ...rest } = query;
    const after = cursor === undefined ? undefined : decodeLogCursor(cursor);
    if (cursor !== undefined && !after) throw new BadRequestException('cursor is not one of this list');
    const filter = { callbackApiId, subjectId, ...rest };
    const { callbacks, next } = await this.log.list({ serviceId }, filter, after, limit);
    return { data: callbacks.map(view), next_cursor: next && encodeLogCursor(next) };
  }

  /** With its attempts; `waiting` before the first. */
  @Get(':id')
  @RequiresScope('callbacks:read')
  async get(@ValidParam('service_id', uuidParam) serviceId: string, @ValidParam('id', uuidParam) id: string) {
    const callback = await this.log.find({ serviceId }, id).catch(throwHttp);
    if (!callback) throw new NotFoundException(`Service ${serviceId} has no callback ${id}`);
    return { data: { ...view(callback), attempts: callback.attempts.map(attemptView) } };
  }
}

function throwHttp(error: unknown): never {
  if (error instanceof QueueSilentError) throw new ServiceUnavailableException(error.message);
  throw error;
}

function view(callback: LoggedCallback) {
  return {
    id: callback.id,
    service_id: callback.serviceId,
    callback_api_id: callback.callbackApiId,
    callback_type: callback.callbackType,
    subject_id: callback.subjectId,
    state: callback.state,
    reason: callback.reason,
    attempts_made: callback.attemptCount,
    last_status_code: callback.lastStatus,
    last_error: callback.lastError,
    queued_at: callback.queuedAt.toISOString(),
    first_attempt_at: callback.firstAttemptAt?.toISOString() ?? null,
    last_attempt_at: callback.lastAttemptAt?.toISOString() ?? null,
    next_attempt_at: callback.nextAt?.toISOString() ?? null,
    forward_ms: callback.forwardMs,
  };
}

function attemptView({ at, durationMs, statusCode, error, excerpt }: LoggedAttempt) {
  return {
    at: at.toISOString(),
    duration_ms: durationMs,
    ...(statusCode !== null && { status_code: statusCode }),
    ...(error !== null && { error }),
    ...(excerpt !== null && { excerpt }),
  };
}
