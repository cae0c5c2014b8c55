import {
  BadRequestException,
  ConflictException,
  Get,
  NotFoundException,
  Param,
  Post,
  Query,
  Res,
} from '@nestjs/common';
import type { Response } from 'express';
import { z } from 'zod';
import { RequiresScope } from '../../http/requires-scope.decorator.js';
import { Clock } from '../../service-callbacks/clock.js';
import { encodeCursor } from '../../service-callbacks/callbacks/dead-letter-cursor.js';
import {
  DeadLetterRepository,
  type DeadLetterFilter,
} from '../../service-callbacks/callbacks/dead-letter.repository.js';
import { ReplayRunRepository } from '../../service-callbacks/callbacks/replay-run.repository.js';
import { Replay } from '../../service-callbacks/callbacks/replay.js';
import { isId } from '../is-id.js';
import { sendPage } from '../page/send-page.js';
import { paths, withQuery } from '../paths.js';
import { CurrentForm, CurrentSession, scopeOf, type ConsoleSession } from '../session/console-session.js';
import type { Form } from '../session/form-body.js';
import { SessionPages } from '../session-pages.decorator.js';
import { tell, told } from '../session/told.js';
import { deadLetterQueryOf, isUnderstood, type DeadLetterQuery } from './dead-letter-query.js';
import { MAX_COUNTED, PAGE } from './dead-letter-limits.js';
import { DeadLettersPage } from './dead-letters-page.js';
import { DeletePage } from './delete-page.js';
import { filterFields } from './filter-fields.js';

/** Rows that a statement deletes. */
const BATCH = 5_000;

/** What a form is about: what is selected on the page, or all that match its filter. */
interface Selection {
  readonly query: DeadLetterQuery;
  readonly ids: readonly string[] | undefined;
}

@SessionPages('console')
export class ConsoleDeadLettersController {
  constructor(
    private readonly deadLetters: DeadLetterRepository,
    private readonly runs: ReplayRunRepository,
    private readonly replay: Replay,
    private readonly clock: Clock,
  ) {}

  @Get('dead-letters')
  @RequiresScope('callbacks:read')
  async list(
    @CurrentSession() session: ConsoleSession,
    @Query() asked: unknown,
    @Query('deleted') deleted: unknown,
    @Res() response: Response,
  ): Promise<void> {
    const query = deadLetterQueryOf(asked, scopeOf(session));
    const { scope, after } = query;
    const filter = isUnderstood(query) ? query.filter : { ids: [] };
    const found = await this.deadLetters.list(scope, filter, PAGE + 1, after);
    const letters = found.slice(0, PAGE);
    const last = found.length > PAGE ? letters.at(-1) : undefined;
    const view = {
      session,
      query,
      letters,
      total: await this.deadLetters.count(scope, filter, MAX_COUNTED),
      replayable: await this.deadLetters.countReplayable(scope, filter, MAX_COUNTED),
      next: last ? encodeCursor(last) : null,
      runs: await this.runs.running(scope),
      now: new Date(this.clock.now()),
      deleted: told(session, 'deleted', deleted),
    };
    sendPage(response, <DeadLettersPage {...view} />);
  }

  @Post('dead-letters/replay')
  @RequiresScope('dead-letters:replay')
  async replayMany(
    @CurrentSession() session: ConsoleSession,
    @CurrentForm() form: Form,
    @Res() response: Response,
  ): Promise<void> {
    const { query, ids } = selectionOf(form, session);
    const filter = ids === undefined ? query.filter : { ids };
    const { id, total } = await this.runs.start(query.scope, { ...filter, state: 'given_up' });
    if (total === 0) throw new ConflictException(NOTHING_TO_REPLAY);
    response.redirect(303, withQuery(paths.replay(id), filterFields(query)));
  }

  @Post('services/:service_id/callbacks/:id/replay')
  @RequiresScope('dead-letters:replay')
  async replayOne(
    @Param('service_id') serviceId: string,
    @Param('id') id: string,
    @Res() response: Response,
  ): Promise<void> {
    const result = isId(id) ? await this.replay.deadLetter(serviceId, id) : null;
    if (!result) throw new NotFoundException();
    if (result.kind === 'refused') throw new ConflictException(`It cannot be replayed: ${result.why}.`);
    response.redirect(303, withQuery(paths.callback(serviceId, id), { done: 'replayed' }));
  }

  /** Asks first; with `confirmed` it does. */
  @Post('dead-letters/delete')
  @RequiresScope('dead-letters:replay')
  async remove(
    @CurrentSession() session: ConsoleSession,
    @CurrentForm() form: Form,
    @Res() response: Response,
  ): Promise<void> {
    const { query, ids } = selectionOf(form, session);
    const now = new Date(this.clock.now());
    const filter = ids === undefined ? upTo(askedAt(form) ?? now, query.filter) : { ids };
    if (form.get('confirmed') !== 'true') {
      const total = await this.deadLetters.count(query.scope, filter, MAX_COUNTED);
      sendPage(response, <DeletePage {...{ session, query, ids, total, now }} />);
      return;
    }
    let deleted = 0;
    for (;;) {
      const some = await this.deadLetters.removeSome(query.scope, filter, BATCH);
      deleted += some;
      if (some < BATCH) break;
    }
    response.redirect(
      303,
      withQuery(paths.deadLetters, {
        ...filterFields(query),
        deleted: tell(session, 'deleted', String(deleted)),
      }),
    );
  }
}

const NOTHING_TO_REPLAY =
  'None of them can be replayed: a replay has been asked for, or they have no payload.';

/** When the page that asks was made. */
function askedAt(form: Form): Date | undefined {
  const asked = z.iso.datetime().safeParse(form.get('asked')).data;
  return asked === undefined ? undefined : new Date(asked);
}

/** What was given up later was not on the page on which somebody said yes. */
function upTo(time: Date, filter: DeadLetterFilter): DeadLetterFilter {
  return filter.until !== undefined && filter.until < time ? filter : { ...filter, until: time };
}

/** @throws BadRequestException where nothing is selected, or the filter is not understood: never all instead. */
function selectionOf(form: Form, session: ConsoleSession): Selection {
  const query = deadLetterQueryOf(Object.fromEntries(form), scopeOf(session));
  const [problem] = Object.entries(query.problems);
  if (problem !== undefined) throw new BadRequestException(`${problem[0]}: ${problem[1]}`);
  if (form.get('which') === 'all') return { query, ids: undefined };
  const ids = form.getAll('id').filter((id) => isId(id));
  if (ids.length === 0) throw new BadRequestException('Nothing is selected. Go back and tick what you mean.');
  return { query, ids };
}
