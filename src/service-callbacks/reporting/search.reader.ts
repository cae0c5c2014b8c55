import { Injectable } from '@nestjs/common';
import { CallbackListRepository } from '../history/callback-list.repository.js';
import type { LoggedCallback, LogScope, SearchResult } from '../history/records.js';
import { uuidRangeOf, type UuidRange } from '../history/uuid-range.js';
import { SearchRepository } from './search.repository.js';

/** The most results of each kind. */
const LIMIT = 20;

/** Finds by an id, a subject (such as a notification's id), or the beginning of one. */
@Injectable()
export class SearchReader {
  constructor(
    private readonly callbacks: CallbackListRepository,
    private readonly others: SearchRepository,
  ) {}

  /** @param subjectIds subjects whose reference is the text: their callbacks are found too */
  async search(scope: LogScope, text: string, subjectIds: readonly string[] = []): Promise<SearchResult> {
    const range = uuidRangeOf(text);
    // One after the other: a page must not take the whole pool.
    return {
      callbacks: await this.callbacksOf(scope, text, range, subjectIds),
      endpoints: await this.others.endpoints(scope, text, range, LIMIT),
      services: await this.others.services(scope, text, LIMIT),
      replays: range ? await this.others.replays(scope, range, LIMIT) : [],
    };
  }

  private async callbacksOf(
    scope: LogScope,
    text: string,
    range: UuidRange | undefined,
    subjectIds: readonly string[],
  ): Promise<readonly LoggedCallback[]> {
    const found = [
      ...(range ? await this.callbacks.withIds(scope, range, LIMIT) : []),
      ...(subjectIds.length > 0 ? await this.callbacks.ofSubjects(scope, subjectIds, LIMIT) : []),
      ...(await this.callbacks.withSubject(scope, text, LIMIT)),
    ];
    return [...new Map(found.map((callback) => [callback.id, callback])).values()].slice(0, LIMIT);
  }
}
