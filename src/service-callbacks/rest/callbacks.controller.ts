import * as schemas from './callbacks.schemas.js';
import { ConflictException, Controller, Get, NotFoundException, Post, UseFilters } from '@nestjs/common';
import { HttpErrorFilter } from '../../http/http-error.filter.js';
import { serviceIdParam } from '../../http/ids.js';
import { Operation, OperationsOf } from '../../http/operation.decorator.js';
import { assertBody, ContentLength } from '../../http/request-body.js';
import { RequiresScope } from '../../http/access.decorators.js';
import { dataOf, pageOf } from '../../http/response-body.js';
import { ValidBody, ValidParam, ValidQuery } from '../../http/valid-input.js';
import type { z } from 'zod';
import { CallbackLogReader } from '../history/callback-log.reader.js';
import type { ListCallbacksQuery, ReplayCallbacksBody } from './callbacks.schemas.js';
import { encodeLogCursor } from '../history/list-cursor.js';
import type { LoggedAttempt, LoggedCallback } from '../history/records.js';
import { Replay } from '../replay/replay.js';
import { ReplayRunRepository, type ReplayRun } from '../replay/replay-run.repository.js';

const NOT_FOUND = 'The service has no such callback';
const NO_REPLAY = 'The service has no such replay';

/** A service's callbacks, the responses of its servers, and replays. */
@Controller('service/:service_id')
@UseFilters(HttpErrorFilter)
@OperationsOf('Callbacks')
export class CallbacksController {
  constructor(
    private readonly log: CallbackLogReader,
    private readonly replay: Replay,
    private readonly runs: ReplayRunRepository,
  ) {}

  @Get('callbacks')
  @RequiresScope('callbacks:read')
  @Operation({
    summary: 'List callbacks',
    description:
      'What became of each, newest first. With `callback_type` or `reason` a page may be short or empty before the ' +
      'last one: continue until `next_cursor` is null.',
    status: 200,
    response: pageOf(schemas.callbackView),
  })
  async list(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidQuery(schemas.listCallbacksQuery) query: ListCallbacksQuery,
  ) {
    const { cursor: after, limit, replay_id: replayId, ...rest } = query;
    const filter = { ...filterOf(rest), replayId };
    const { callbacks, next } = await this.log.list({ serviceId }, filter, after, limit);
    return { data: callbacks.map(view), next_cursor: next && encodeLogCursor(next) };
  }

  @Get('callbacks/:id')
  @RequiresScope('callbacks:read')
  @Operation({
    summary: 'Read a callback with its attempts',
    status: 200,
    response: dataOf(schemas.callbackWithAttemptsView),
    errors: { 404: NOT_FOUND },
  })
  async get(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', schemas.callbackId) id: string,
  ) {
    const callback = await this.log.find({ serviceId }, id);
    if (!callback) throw notFound(serviceId, id);
    const { attempts, hasPayload } = callback;
    return { data: { ...view(callback), has_payload: hasPayload, attempts: attempts.map(attemptView) } };
  }

  @Post('callbacks/:id/replay')
  @RequiresScope('dead-letters:replay')
  @Operation({
    summary: 'Replay a callback',
    description:
      'Sends a finished callback again, a delivered one too: with the same `webhook-id` and the same body. ' +
      'A second request while it is open changes nothing.',
    status: 202,
    response: dataOf(schemas.queuedView),
    errors: {
      404: NOT_FOUND,
      409: 'Its payload is deleted, or its callback API is deleted or disabled',
    },
  })
  async replayOne(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', schemas.callbackId) id: string,
  ) {
    const result = await this.replay.finished(serviceId, id);
    if (!result) throw notFound(serviceId, id);
    if (result.kind === 'refused') throw new ConflictException(`${id} cannot be replayed: ${result.why}`);
    return { data: { id, queued: result.kind === 'queued' } };
  }

  @Post('callbacks/:id/retry')
  @RequiresScope('dead-letters:replay')
  @Operation({
    summary: 'Retry a callback now',
    description:
      'A scheduled callback is due at once; a held one is the next probe of its endpoint, at once. `queued` is `false` ' +
      'where it does not wait for an attempt.',
    status: 202,
    response: dataOf(schemas.queuedView),
    errors: { 404: NOT_FOUND },
  })
  async retry(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', schemas.callbackId) id: string,
  ) {
    const callback = await this.log.find({ serviceId }, id);
    if (!callback) throw notFound(serviceId, id);
    return { data: { id, queued: await this.replay.retryNow(serviceId, id) } };
  }

  @Post('callbacks/replay')
  @RequiresScope('dead-letters:replay')
  @Operation({
    summary: 'Replay all callbacks that match',
    description:
      'Replays finished callbacks, at a bounded rate (`CALLBACK_REPLAY_RATE`); `{}` matches all of them. With `"preview": true` none ' +
      'is replayed.',
    status: 202,
    response: dataOf(schemas.replayStartedView),
  })
  async replayMany(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidBody(schemas.replayCallbacksBody) body: ReplayCallbacksBody,
    @ContentLength() length: string | undefined,
  ) {
    assertBody(length);
    const { preview, ...rest } = body;
    const filter = filterOf(rest);
    if (preview === true) return { data: { count: await this.runs.preview({ serviceId }, filter) } };
    const { id, total } = await this.runs.start({ serviceId }, filter);
    return { data: { count: total, replay_id: total > 0 ? id : null } };
  }

  @Get('replays/:id')
  @RequiresScope('callbacks:read')
  @Operation({
    summary: 'Read how far a replay of many is',
    status: 200,
    response: dataOf(schemas.replayRunView),
    errors: { 404: NO_REPLAY },
  })
  async replayRun(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', schemas.replayId) id: string,
  ) {
    const run = await this.runs.find({ serviceId }, id);
    if (!run) throw new NotFoundException(`Service ${serviceId} has no replay ${id}`);
    return { data: runView(run) };
  }

  @Post('replays/:id/stop')
  @RequiresScope('dead-letters:replay')
  @Operation({
    summary: 'Stop a replay of many',
    description: 'Callbacks that are not queued yet are not replayed; the others continue.',
    status: 200,
    response: dataOf(schemas.replayRunView),
    errors: { 404: NO_REPLAY },
  })
  async stopReplay(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', schemas.replayId) id: string,
  ) {
    await this.runs.stop({ serviceId }, id, new Date());
    return this.replayRun(serviceId, id);
  }
}

type Filter = Pick<ListCallbacksQuery, 'callback_api_id' | 'callback_type' | 'subject_id'>;

function filterOf<Rest extends Filter>({ callback_api_id, callback_type, subject_id, ...rest }: Rest) {
  return { ...rest, callbackApiId: callback_api_id, callbackType: callback_type, subjectId: subject_id };
}

function notFound(serviceId: string, id: string): NotFoundException {
  return new NotFoundException(`Service ${serviceId} has no callback ${id}`);
}

function view(callback: LoggedCallback): z.infer<typeof schemas.callbackView> {
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

function attemptView(attempt: LoggedAttempt): z.infer<typeof schemas.attemptView> {
  const { at, durationMs, statusCode, error, excerpt, headers, generation } = attempt;
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

function runView(run: ReplayRun): z.infer<typeof schemas.replayRunView> {
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
