import {
  BadRequestException,
  ConflictException,
  Controller,
  Get,
  HttpCode,
  NotFoundException,
  Post,
  UseFilters,
} from '@nestjs/common';
import { HttpErrorFilter } from '../../http/http-error.filter.js';
import { serviceIdParam, uuidParam } from '../../http/ids.js';
import { RequiresScope } from '../../http/requires-scope.decorator.js';
import { ValidBody, ValidParam, ValidQuery } from '../../http/valid-input.js';
import { CallbackLogReader } from './callback-log.reader.js';
import {
  listCallbacksQuery,
  replayCallbacksBody,
  type ListCallbacksQuery,
  type ReplayCallbacksBody,
} from './callbacks.schemas.js';
import { decodeLogCursor, encodeLogCursor } from './log-cursor.js';
import type { LoggedAttempt, LoggedCallback } from './records.js';
import { Replay } from './replay.js';
import { ReplayRunRepository, type ReplayRun } from './replay-run.repository.js';

/** What became of a service's callbacks, what its servers responded with, and sending them again. */
@Controller('service/:service_id')
@UseFilters(HttpErrorFilter)
export class CallbacksController {
  constructor(
    private readonly log: CallbackLogReader,
    private readonly replay: Replay,
    private readonly runs: ReplayRunRepository,
  ) {}

  /** Newest first; `next_cursor` is null on the last page. */
  @Get('callbacks')
  @RequiresScope('callbacks:read')
  async list(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidQuery(listCallbacksQuery) query: ListCallbacksQuery,
  ) {
    const { cursor, limit, callback_api_id, callback_type, subject_id, replay_id, ...rest } = query;
    const after = cursor === undefined ? undefined : decodeLogCursor(cursor);
    if (cursor !== undefined && !after) throw new BadRequestException('cursor is not one of this list');
    const filter = {
      ...rest,
      callbackApiId: callback_api_id,
      callbackType: callback_type,
      subjectId: subject_id,
      replayId: replay_id,
    };
    const { callbacks, next } = await this.log.list({ serviceId }, filter, after, limit);
    return { data: callbacks.map(view), next_cursor: next && encodeLogCursor(next) };
  }

  /** With its attempts. */
  @Get('callbacks/:id')
  @RequiresScope('callbacks:read')
  async get(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', uuidParam) id: string,
  ) {
    const callback = await this.log.find({ serviceId }, id);
    if (!callback) throw notFound(serviceId, id);
    const { attempts, hasPayload } = callback;
    return { data: { ...view(callback), has_payload: hasPayload, attempts: attempts.map(attemptView) } };
  }

  /** Any finished callback, delivered ones too: same `webhook-id`, same body. Asked for twice, sent once. */
  @Post('callbacks/:id/replay')
  @RequiresScope('dead-letters:replay')
  @HttpCode(202)
  async replayOne(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', uuidParam) id: string,
  ) {
    const result = await this.replay.finished(serviceId, id);
    if (!result) throw notFound(serviceId, id);
    if (result.kind === 'refused') throw new ConflictException(`${id} cannot be replayed: ${result.why}`);
    return { data: { id, queued: result.kind === 'queued' } };
  }

  /** The next attempt of a callback that waits for one, now. */
  @Post('callbacks/:id/retry')
  @RequiresScope('dead-letters:replay')
  @HttpCode(202)
  async retry(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', uuidParam) id: string,
  ) {
    const callback = await this.log.find({ serviceId }, id);
    if (!callback) throw notFound(serviceId, id);
    return { data: { id, queued: await this.replay.retryNow(serviceId, id) } };
  }

  /**
   * Those that match are replayed at a bounded rate (`CALLBACK_REPLAY_RATE`); with `"preview": true` none is, and the
   * response says how many would be.
   */
  @Post('callbacks/replay')
  @RequiresScope('dead-letters:replay')
  @HttpCode(202)
  async replayMany(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidBody(replayCallbacksBody) body: ReplayCallbacksBody,
  ) {
    const { preview, callback_api_id, callback_type, subject_id, ...rest } = body;
    const filter = {
      ...rest,
      callbackApiId: callback_api_id,
      callbackType: callback_type,
      subjectId: subject_id,
    };
    if (preview === true) return { data: { count: await this.runs.preview({ serviceId }, filter) } };
    const { id, total } = await this.runs.start({ serviceId }, filter);
    return { data: { count: total, replay_id: total > 0 ? id : null } };
  }

  /** How far a replay of many has come. */
  @Get('replays/:id')
  @RequiresScope('callbacks:read')
  async replayRun(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', uuidParam) id: string,
  ) {
    const run = await this.runs.find({ serviceId }, id);
    if (!run) throw new NotFoundException(`Service ${serviceId} has no replay ${id}`);
    return { data: runView(run) };
  }

  /** What is still to come is not replayed; what is on its way goes on. */
  @Post('replays/:id/stop')
  @RequiresScope('dead-letters:replay')
  @HttpCode(200)
  async stopReplay(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', uuidParam) id: string,
  ) {
    await this.runs.stop({ serviceId }, id, new Date());
    return this.replayRun(serviceId, id);
  }
}

function notFound(serviceId: string, id: string): NotFoundException {
  return new NotFoundException(`Service ${serviceId} has no callback ${id}`);
}

function view(callback: LoggedCallback) {
  return {
    id: callback.id,
    service_id: callback.serviceId,
    callback_api_id: callback.callbackApiId,
    callback_type: callback.callbackType,
    subject_id: callback.subjectId,
    url: callback.url,
    state: callback.state,
    reason: callback.reason,
    detail: callback.detail,
    generation: callback.generation,
    attempts_made: callback.attemptCount,
    last_status_code: callback.lastStatus,
    last_error: callback.lastError,
    queued_at: callback.queuedAt.toISOString(),
    first_attempt_at: callback.firstAttemptAt?.toISOString() ?? null,
    last_attempt_at: callback.lastAttemptAt?.toISOString() ?? null,
    next_attempt_at: callback.nextAttemptAt?.toISOString() ?? null,
    finished_at: callback.finishedAt?.toISOString() ?? null,
    replayed_at: callback.replayedAt?.toISOString() ?? null,
    replay_requested_at: callback.replayRequestedAt?.toISOString() ?? null,
    forward_ms: callback.forwardMs,
  };
}

function attemptView({ at, durationMs, statusCode, error, excerpt, headers, generation }: LoggedAttempt) {
  return {
    at: at.toISOString(),
    duration_ms: durationMs,
    ...(statusCode !== null && { status_code: statusCode }),
    ...(error !== null && { error }),
    ...(excerpt !== null && { excerpt }),
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(generation > 0 && { generation }),
  };
}

function runView(run: ReplayRun) {
  return {
    id: run.id,
    total: run.total,
    queued: run.queued,
    refused: run.refused,
    waiting: run.waiting,
    under_way: run.underWay,
    delivered: run.delivered,
    given_up: run.givenUp,
    requested_at: run.requestedAt.toISOString(),
    advanced_at: run.advancedAt?.toISOString() ?? null,
    stopped_at: run.stoppedAt?.toISOString() ?? null,
  };
}
