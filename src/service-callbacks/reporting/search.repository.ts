import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { rows } from '../../database/rows.js';
import type { FoundEndpoint, FoundReplay, FoundService, LogScope } from '../history/records.js';
import { SqlParameters } from '../../database/sql-parameters.js';
import type { UuidRange } from '../history/uuid-range.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';

/** Finds endpoints and services. There are few endpoints, so any part of a URL finds them. */
@Injectable()
export class SearchRepository {
  constructor(@Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource) {}

  endpoints(
    scope: LogScope,
    text: string,
    range: UuidRange | undefined,
    limit: number,
  ): Promise<FoundEndpoint[]> {
    const parameters = new SqlParameters();
    const hasText = `strpos(lower(url), lower(${parameters.add(text)})) > 0`;
    const hasId = range ? `id BETWEEN ${parameters.add(range[0])} AND ${parameters.add(range[1])}` : 'FALSE';
    return rows<FoundEndpoint>(
      this.dataSource,
      `SELECT id AS "callbackApiId", service_id AS "serviceId", callback_type AS "callbackType", url,
         disabled_at AS "disabledAt"
       FROM service_callback_apis WHERE (${hasId} OR ${hasText}) AND ${isOwn(parameters, scope)}
       ORDER BY url, id LIMIT ${parameters.add(limit)}`,
      parameters.values,
      ['disabledAt'],
    );
  }

  services(scope: LogScope, beginning: string, limit: number): Promise<FoundService[]> {
    const parameters = new SqlParameters();
    return rows<FoundService>(
      this.dataSource,
      `SELECT service_id AS "serviceId", count(*)::int AS endpoints FROM service_callback_apis
       WHERE starts_with(service_id, ${parameters.add(beginning)}) AND ${isOwn(parameters, scope)}
       GROUP BY service_id ORDER BY service_id LIMIT ${parameters.add(limit)}`,
      parameters.values,
    );
  }

  replays(scope: LogScope, [first, last]: UuidRange, limit: number): Promise<FoundReplay[]> {
    const parameters = new SqlParameters();
    return rows<FoundReplay>(
      this.dataSource,
      `SELECT id, total, requested_at AS "requestedAt" FROM service_callback_replays
       WHERE id BETWEEN ${parameters.add(first)} AND ${parameters.add(last)} AND ${isOwn(parameters, scope)}
       ORDER BY requested_at DESC LIMIT ${parameters.add(limit)}`,
      parameters.values,
      ['requestedAt'],
    );
  }
}

function isOwn(parameters: SqlParameters, scope: LogScope): string {
  return scope === 'all' ? 'TRUE' : `service_id = ${parameters.add(scope.serviceId)}`;
}
