import { BadRequestException } from '@nestjs/common';
import { z } from 'zod';
import type { DeadLetterFilter } from '../../service-callbacks/history/dead-letter.repository.js';
import { isId } from '../is-id.js';
import { scopeOf, type ConsoleSession } from '../session/console-session.js';
import type { Form } from '../session/form-body.js';
import { givenUpQueryOf, type GivenUpQuery } from './given-up-query.js';

/** Why a form did nothing. */
export type Undone = 'none_selected' | 'none_replayable' | 'none_left';

/** The callbacks of a form: those selected on the page, or all that match its filter. */
export interface Selection {
  readonly query: GivenUpQuery;
  /** Undefined: all that match. */
  readonly ids: readonly string[] | undefined;
  readonly filter: DeadLetterFilter;
  /** When they were counted: newer ones are left out. */
  readonly now: Date;
  /** Whether the person has confirmed. */
  readonly isConfirmed: boolean;
}

/**
 * @returns undefined if nothing is selected
 * @throws BadRequestException if the filter is invalid: it never means all
 */
export function selectionOf(form: Form, session: ConsoleSession, now: Date): Selection | undefined {
  const query = givenUpQueryOf(Object.fromEntries(form), scopeOf(session));
  const [problem] = Object.entries(query.problems);
  if (problem !== undefined) throw new BadRequestException(`${problem[0]}: ${problem[1]}`);
  const isConfirmed = form.get('confirmed') === 'true';
  if (form.get('which') === 'all') {
    const filter = { ...upTo(shownAt(form) ?? now, query.filter), isReplayRequested: false };
    return { query, ids: undefined, filter, now, isConfirmed };
  }
  const ids = form.getAll('id').filter((id) => isId(id));
  return ids.length === 0
    ? undefined
    : { query, ids, filter: { ids, isReplayRequested: false }, now, isConfirmed };
}

/** When the confirmation page was created. */
function shownAt(form: Form): Date | undefined {
  const shown = z.iso.datetime().safeParse(form.get('asked')).data;
  return shown === undefined ? undefined : new Date(shown);
}

/** Leaves out callbacks that were given up after the confirmation page was created. */
function upTo(time: Date, filter: DeadLetterFilter): DeadLetterFilter {
  return filter.until !== undefined && filter.until < time ? filter : { ...filter, until: time };
}
