import {
  BadRequestException,
  ConflictException,
  Controller,
  Delete,
  Get,
  HttpCode,
  NotFoundException,
  Post,
  UseFilters,
} from '@nestjs/common';
import { HttpErrorFilter } from '../../http/http-error.filter.js';
import { RequiresScope } from '../../http/requires-scope.decorator.js';
import { serviceIdParam, uuidParam } from '../../http/ids.js';
import { ValidBody, ValidParam, ValidQuery } from '../../http/valid-input.js';
import type { AttemptRecord } from './callback.js';
import { decodeCursor, encodeCursor } from './dead-letter-cursor.js';
import { DeadLetterRepository, type DeadLetter, type DeadLetterFilter } from './dead-letter.repository.js';
import {
  listDeadLettersQuery,
  replayDeadLettersBody,
  type ListDeadLettersQuery,
  type ReplayDeadLettersBody,
} from './dead-letters.schemas.js';
import { Replay } from './replay.js';
import { ReplayRunRepository } from './replay-run.repository.js';

/** Callbacks that were given up: look, send again, throw away. */
@Controller('service/:service_id/dead-letters')
@UseFilters(HttpErrorFilter)
export class DeadLettersController {
  constructor(
    private readonly deadLetters: DeadLetterRepository,
    private readonly replay: Replay,
    private readonly runs: ReplayRunRepository,
  ) {}

  /** Newest first; `next_cursor` is null on the last page. */
  @Get()
  @RequiresScope('callbacks:read')
  async list(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidQuery(listDeadLettersQuery) query: ListDeadLettersQuery,
  ) {
    const { cursor, limit } = query;
    const after = cursor === undefined ? undefined : decodeCursor(cursor);
    if (cursor !== undefined && !after) throw new BadRequestException('cursor is not one of this list');
    const letters = await this.deadLetters.list({ serviceId }, filterOf(query), limit, after);
    const last = letters.length === limit ? letters.at(-1) : undefined;
    return { data: letters.map(view), next_cursor: last ? encodeCursor(last) : null };
  }

  /** With every attempt. */
  @Get(':id')
  @RequiresScope('callbacks:read')
  async get(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', uuidParam) id: string,
  ) {
    const letter = await this.deadLetters.find(serviceId, id);
    if (!letter) throw notFound(serviceId, id);
    return { data: { ...view(letter), attempts: letter.attempts.map(attemptView) } };
  }

  /** Pressed twice, sent once. */
  @Post(':id/replay')
  @RequiresScope('dead-letters:replay')
  @HttpCode(202)
  async replayOne(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', uuidParam) id: string,
  ) {
    const result = await this.replay.deadLetter(serviceId, id);
    if (!result) throw notFound(serviceId, id);
    if (result.kind === 'refused') throw new ConflictException(`${id} cannot be replayed: ${result.why}`);
    return { data: { id, queued: result.kind === 'queued' } };
  }

  /** Answers how many will be; they are queued at a bounded rate (`CALLBACK_REPLAY_RATE`). */
  @Post('replay')
  @RequiresScope('dead-letters:replay')
  @HttpCode(202)
  async replayAll(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidBody(replayDeadLettersBody) body: ReplayDeadLettersBody,
  ) {
    const { total } = await this.runs.start({ serviceId }, { ...filterOf(body), state: 'given_up' });
    return { data: { count: total } };
  }

  @Delete(':id')
  @RequiresScope('dead-letters:replay')
  @HttpCode(204)
  async remove(
    @ValidParam('service_id', serviceIdParam) serviceId: string,
    @ValidParam('id', uuidParam) id: string,
  ): Promise<void> {
    if (!(await this.deadLetters.remove(serviceId, id))) throw notFound(serviceId, id);
  }
}

function filterOf(query: ReplayDeadLettersBody): DeadLetterFilter {
  return {
    callbackApiId: query.callback_api_id,
    reason: query.reason,
    since: query.since,
    until: query.until,
  };
}

function notFound(serviceId: string, id: string): NotFoundException {
  return new NotFoundException(`Service ${serviceId} has no dead letter ${id}`);
}

/** Without what the list of callbacks shows of the response. */
function attemptView({ excerpt: _excerpt, headers: _headers, ...attempt }: AttemptRecord) {
  return attempt;
}

/** The payload stays where it is: it has a recipient in it. A replayed one is no dead letter any more. */
function view(letter: DeadLetter) {
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
    replayed_at: null,
  };
}
