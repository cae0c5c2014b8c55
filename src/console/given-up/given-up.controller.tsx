import { Get, Inject, Post, Query, Res } from '@nestjs/common';
import type { Response } from 'express';
import { RequiresScope } from '../../http/access.decorators.js';
import { encodeDeadLetterCursor } from '../../service-callbacks/history/list-cursor.js';
import { DeadLetterRepository } from '../../service-callbacks/history/dead-letter.repository.js';
import { ReplayRunRepository } from '../../service-callbacks/replay/replay-run.repository.js';
import { Clock } from '../../service-callbacks/clock.js';
import type { DeadLetterOptions } from '../../service-callbacks/service-callbacks.options.js';
import { DEAD_LETTER_OPTIONS } from '../../service-callbacks/tokens.js';
import { sendPage } from '../page/send-page.js';
import { paths, withQuery } from '../paths.js';
import { CurrentForm, CurrentSession, scopeOf, type ConsoleSession } from '../session/console-session.js';
import type { Form } from '../session/form-body.js';
import { signedNotice, verifiedNotice } from '../session/notice.js';
import { SessionPages } from '../session-pages.decorator.js';
import { duration } from '../words/durations.js';
import { MAX_COUNTED, PAGE } from './given-up-limits.js';
import { givenUpQueryOf, isUnderstood, type GivenUpQuery } from './given-up-query.js';
import { GivenUpPage } from './given-up-page.js';
import { filterFields } from './filter-fields.js';
import { QuestionPage } from './question-page.js';
import { selectionOf, type Selection, type Undone } from './selection.js';

/** Rows that a statement deletes. */
const BATCH = 5_000;

@SessionPages('console/dead-letters')
export class GivenUpController {
  constructor(
    private readonly deadLetters: DeadLetterRepository,
    private readonly runs: ReplayRunRepository,
    private readonly clock: Clock,
    @Inject(DEAD_LETTER_OPTIONS) private readonly options: DeadLetterOptions,
  ) {}

  @Get()
  @RequiresScope('callbacks:read')
  async list(
    @CurrentSession() session: ConsoleSession,
    @Query() given: unknown,
    @Query('deleted') deleted: unknown,
    @Query('undone') undone: unknown,
    @Res() response: Response,
  ): Promise<void> {
    const query = givenUpQueryOf(given, scopeOf(session));
    const { scope, after } = query;
    const filter = isUnderstood(query) ? { ...query.filter, isReplayRequested: false } : { ids: [] };
    const found = await this.deadLetters.list(scope, filter, PAGE + 1, after);
    const callbacks = found.slice(0, PAGE);
    const last = found.length > PAGE ? callbacks.at(-1) : undefined;
    const view = {
      session,
      query,
      callbacks,
      total: await this.deadLetters.count(scope, filter, MAX_COUNTED),
      next: last ? encodeDeadLetterCursor(last) : null,
      runs: await this.runs.running(scope),
      now: new Date(this.clock.now()),
      deleted: verifiedNotice(session, 'deleted', deleted),
      undone: verifiedNotice(session, 'undone', undone),
    };
    sendPage(response, <GivenUpPage {...view} />);
  }

  /** Asks for confirmation; does it when `confirmed` is set. */
  @Post('replay')
  @RequiresScope('dead-letters:replay')
  async replay(
    @CurrentSession() session: ConsoleSession,
    @CurrentForm() form: Form,
    @Res() response: Response,
  ): Promise<void> {
    const selection = selectionOf(form, session, new Date(this.clock.now()));
    if (selection === undefined) return back(response, form, session, 'none_selected');
    const { query, filter, isConfirmed } = selection;
    if (!isConfirmed) return this.askToReplay(response, session, selection);
    const { id, total } = await this.runs.start(query.scope, { ...filter, state: 'given_up' });
    if (total === 0) return back(response, form, session, 'none_replayable');
    response.redirect(303, withQuery(paths.replay(id), filterFields(query)));
  }

  /** Asks for confirmation; does it when `confirmed` is set. */
  @Post('delete')
  @RequiresScope('dead-letters:replay')
  async remove(
    @CurrentSession() session: ConsoleSession,
    @CurrentForm() form: Form,
    @Res() response: Response,
  ): Promise<void> {
    const selection = selectionOf(form, session, new Date(this.clock.now()));
    if (selection === undefined) return back(response, form, session, 'none_selected');
    const { query, filter, isConfirmed } = selection;
    if (!isConfirmed) {
      const total = await this.deadLetters.count(query.scope, filter, MAX_COUNTED);
      if (total === 0) return back(response, form, session, 'none_left');
      sendPage(
        response,
        <QuestionPage verb="Delete" {...{ session, selection, total }}>
          They cannot be replayed afterwards. What happened to them stays in the list of callbacks.
        </QuestionPage>,
      );
      return;
    }
    let deleted = 0;
    for (;;) {
      const some = await this.deadLetters.removeSome(query.scope, filter, BATCH);
      deleted += some;
      if (some < BATCH) break;
    }
    response.redirect(303, list(query, { deleted: signedNotice(session, 'deleted', String(deleted)) }));
  }

  private async askToReplay(
    response: Response,
    session: ConsoleSession,
    selection: Selection,
  ): Promise<void> {
    const { query, filter } = selection;
    const total = await this.runs.preview(query.scope, { ...filter, state: 'given_up' }, MAX_COUNTED);
    if (total === 0) {
      response.redirect(303, list(query, { undone: signedNotice(session, 'undone', 'none_replayable') }));
      return;
    }
    const { replaysPerSecond } = this.options;
    const ms = Math.ceil(total / replaysPerSecond) * 1_000;
    sendPage(
      response,
      <QuestionPage verb="Replay" {...{ session, selection, total }}>
        Each is sent to its endpoint once more, with the same webhook-id. At {replaysPerSecond} a second this
        takes about {duration(ms)}; it can be stopped. Those whose endpoint is disabled or deleted are not
        among them.
      </QuestionPage>,
    );
  }
}

function back(response: Response, form: Form, session: ConsoleSession, undone: Undone): void {
  const query = givenUpQueryOf(Object.fromEntries(form), scopeOf(session));
  response.redirect(303, list(query, { undone: signedNotice(session, 'undone', undone) }));
}

function list(query: GivenUpQuery, notice: Readonly<Record<string, string>>): string {
  return withQuery(paths.givenUp, { ...filterFields(query), ...notice });
}
