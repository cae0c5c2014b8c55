import { Get, Optional, Query, Res } from '@nestjs/common';
import type { Response } from 'express';
import { z } from 'zod';
import { RequiresScope } from '../../http/access.decorators.js';
import type { SearchResult } from '../../service-callbacks/history/records.js';
import { Clock } from '../../service-callbacks/clock.js';
import { SearchReader } from '../../service-callbacks/reporting/search.reader.js';
import { sendPage } from '../page/send-page.js';
import { paths, withQuery } from '../paths.js';
import { CurrentSession, scopeOf, type ConsoleSession } from '../session/console-session.js';
import { SessionPages } from '../session-pages.decorator.js';
import { SubjectLookup } from '../subject-lookup.js';
import { SearchPage } from './search-page.js';

/** The most notifications with one reference whose callbacks are searched. */
const MAX_SUBJECTS = 20;

/** PostgreSQL does not accept NUL. */
const shape = z
  .string()
  .trim()
  .max(255)
  .refine((text) => !text.includes('\0'))
  .catch('');

/**
 * One search box for an id or its beginning, a subject or a reference. It leads to the match, or to a list of matches.
 */
@SessionPages('console/search')
@RequiresScope('callbacks:read')
export class SearchController {
  constructor(
    private readonly reader: SearchReader,
    private readonly clock: Clock,
    @Optional() private readonly subjects?: SubjectLookup,
  ) {}

  @Get()
  async show(
    @CurrentSession() session: ConsoleSession,
    @Query('q') given: unknown,
    @Res() response: Response,
  ): Promise<void> {
    const text = shape.parse(given);
    const result = text === '' ? undefined : await this.search(session, text);
    const only = result && onlyOne(result, text);
    if (only !== undefined) {
      response.redirect(303, only);
      return;
    }
    const now = new Date(this.clock.now());
    const knowsReferences = this.subjects !== undefined;
    sendPage(response, <SearchPage {...{ session, text, result, now, knowsReferences }} />);
  }

  private async search(session: ConsoleSession, text: string): Promise<SearchResult> {
    const subjectIds = await this.subjects?.findByReference(text, session.caller.serviceId, MAX_SUBJECTS);
    return this.reader.search(scopeOf(session), text, subjectIds);
  }
}

/** The address of the match, if there is only one. */
function onlyOne(
  { callbacks, endpoints, services, replays }: SearchResult,
  text: string,
): string | undefined {
  const whole = callbacks.find(({ id }) => id === text.toLowerCase());
  const pages = [
    ...(whole ? [whole] : callbacks).map(({ serviceId, id }) => paths.callback(serviceId ?? '', id)),
    ...endpoints.map(({ serviceId, callbackApiId }) => paths.endpoint(serviceId, callbackApiId)),
    ...services.map(({ serviceId }) => withQuery(paths.overview, { text: serviceId })),
    ...replays.map(({ id }) => paths.replay(id)),
  ];
  return pages.length === 1 ? pages[0] : undefined;
}
