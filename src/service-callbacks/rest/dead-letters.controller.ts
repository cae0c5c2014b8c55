import * as schemas from './callbacks.schemas.js';
import {
  ConflictException,
  Controller,
  Delete,
  Get,
  NotFoundException,
  Post,
  UseFilters,
} from '@nestjs/common';
import { HttpErrorFilter } from '../../http/http-error.filter.js';
import { assertBody, ContentLength } from '../../http/request-body.js';
import { RequiresScope } from '../../http/access.decorators.js';
import { serviceIdParam } from '../../http/ids.js';
import { Operation, OperationsOf } from '../../http/operation.decorator.js';
import { dataOf, pageOf } from '../../http/response-body.js';
import { ValidBody, ValidParam, ValidQuery } from '../../http/valid-input.js';
import type { z } from 'zod';
import type { AttemptRecord } from '../callbacks/callback.js';
import { encodeDeadLetterCursor } from '../history/list-cursor.js';
import {
  DeadLetterRepository,
  type DeadLetter,
  type DeadLetterFilter,
} from '../history/dead-letter.repository.js';
import type { ListDeadLettersQuery, ReplayDeadLettersBody } from './callbacks.schemas.js';
import { Replay } from '../replay/replay.js';
import { ReplayRunRepository } from '../replay/replay-run.repository.js';

const NOT_FOUND = 'The service has no such dead letter';

/** Callbacks that were given up: list, replay, delete. */
@Controller('service/:service_id/dead-letters')
@UseFilters(HttpErrorFilter)
@OperationsOf('Dead letters')
export class DeadLettersController {
  constructor(
    private readonly deadLetters: DeadLetterRepository,
    private readonly replay: Replay,
    private readonly runs: ReplayRunRepository,
  ) {}

  @Get()
  @RequiresScope('callbacks:read')
  @Operation({
    summary: 'List dead letters',
    description: 'The callbacks that were given up, newest first.',
    status: 200,
    response: pageOf(schemas.deadLetterView),
  })
  async list(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidQuery(schemas.listDeadLettersQuery) query: ListDeadLettersQuery,
  ) {
    const { cursor: after, limit } = query;
    const letters = await this.deadLetters.list({ serviceId }, filterOf(query), limit, after);
    const last = letters.length === limit ? letters.at(-1) : undefined;
    return { data: letters.map(view), next_cursor: last ? encodeDeadLetterCursor(last) : null };
  }

  @Get(':id')
  @RequiresScope('callbacks:read')
  @Operation({
    summary: 'Read a dead letter with its attempts',
    status: 200,
    response: dataOf(schemas.deadLetterWithAttemptsView),
    errors: { 404: NOT_FOUND },
  })
  async get(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', schemas.callbackId) id: string,
  ) {
    const letter = await this.deadLetters.find(serviceId, id);
    if (!letter) throw notFound(serviceId, id);
    return { data: { ...view(letter), attempts: letter.attempts.map(attemptView) } };
  }

  @Post(':id/replay')
  @RequiresScope('dead-letters:replay')
  @Operation({
    summary: 'Replay a dead letter',
    description:
      'With the same `webhook-id` and the same body. A second request while it is open changes nothing.',
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
    const result = await this.replay.deadLetter(serviceId, id);
    if (!result) throw notFound(serviceId, id);
    if (result.kind === 'refused') throw new ConflictException(`${id} cannot be replayed: ${result.why}`);
    return { data: { id, queued: result.kind === 'queued' } };
  }

  @Post('replay')
  @RequiresScope('dead-letters:replay')
  @Operation({
    summary: 'Replay all dead letters that match',
    description:
      'At a bounded rate (`CALLBACK_REPLAY_RATE`); `{}` is all of them. With `"preview": true` none is replayed.',
    status: 202,
    response: dataOf(schemas.replayStartedView),
  })
  async replayAll(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidBody(schemas.replayDeadLettersBody) body: ReplayDeadLettersBody,
    @ContentLength() length: string | undefined,
  ) {
    assertBody(length);
    const filter = { ...filterOf(body), state: 'given_up' } as const;
    if (body.preview === true) return { data: { count: await this.runs.preview({ serviceId }, filter) } };
    const { id, total } = await this.runs.start({ serviceId }, filter);
    return { data: { count: total, replay_id: total > 0 ? id : null } };
  }

  @Delete(':id')
  @RequiresScope('dead-letters:replay')
  @Operation({
    summary: 'Delete a dead letter',
    description:
      'Deletes its payload, so that it cannot be replayed; its history stays in the list of callbacks.',
    status: 204,
    errors: { 404: NOT_FOUND },
  })
  async remove(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', schemas.callbackId) id: string,
  ): Promise<void> {
    if (!(await this.deadLetters.remove(serviceId, id))) throw notFound(serviceId, id);
  }
}

function filterOf(query: ReplayDeadLettersBody): DeadLetterFilter {
  const { callback_api_id: callbackApiId, reason, since, until } = query;
  return { callbackApiId, reason, since, until };
}

function notFound(serviceId: string, id: string): NotFoundException {
  return new NotFoundException(`Service ${serviceId} has no dead letter ${id}`);
}

/** Without its worker, and the excerpt and headers of the response, which `GET …/callbacks/:id` shows. */
function attemptView({ excerpt: _excerpt, headers: _headers, worker: _worker, ...attempt }: AttemptRecord) {
  return attempt;
}

/** Never the payload, which has a recipient in it. */
function view(letter: DeadLetter): z.infer<typeof schemas.deadLetterView> {
  return {
    id: letter.id,
    service_id: letter.serviceId,
    callback_api_id: letter.callbackApiId,
    callback_type: letter.callbackType,
    subject_id: letter.subjectId,
    url: letter.url,
    reason: letter.reason,
    detail: letter.detail,
    attempts_made: letter.attemptCount,
    queued_at: letter.queuedAt.toISOString(),
    given_up_at: letter.givenUpAt.toISOString(),
    replay_requested_at: letter.replayRequestedAt?.toISOString() ?? null,
    // A replayed callback is no dead letter any more.
    replayed_at: null,
  };
}
