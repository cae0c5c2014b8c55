import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { retryConflicts } from '../../database/conflicts.js';
import { rows } from '../../database/rows.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';
import { OUTCOME_SUMS, type OutcomeRow } from '../figures/outcomes.js';
import type { LogScope } from '../history/records.js';
import { SqlParameters } from '../../database/sql-parameters.js';

/** Histograms and sums. They are also kept with `CALLBACK_DELIVERY_LOG=off`. */
@Injectable()
export class FiguresRepository {
  constructor(@Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource) {}

  /** By minute; minutes without events are missing. */
  minutes(scope: LogScope, since: Date): Promise<OutcomeRow[]> {
    const { where, values } = within(scope, 'minute', since);
    return rows<OutcomeRow>(
      this.dataSource,
      `SELECT minute AS at, ${OUTCOME_SUMS} FROM service_callback_minutes WHERE ${where} GROUP BY minute`,
      values,
      ['at'],
    );
  }

  /** By hour; hours without events are missing. */
  hours(scope: LogScope, since: Date, callbackApiId?: string): Promise<OutcomeRow[]> {
    const { where, values } = within(scope, 'hour', since, callbackApiId);
    return rows<OutcomeRow>(
      this.dataSource,
      `SELECT hour AS at, ${OUTCOME_SUMS} FROM service_callback_endpoint_hours WHERE ${where} GROUP BY hour`,
      values,
      ['at'],
    );
  }

  forwardHistogram(scope: LogScope, since: Date): Promise<number[]> {
    const { where, values } = within(scope, 'minute', since);
    return this.histogram('service_callback_minutes', 'forward_histogram', where, values);
  }

  durationHistogram(scope: LogScope, since: Date, callbackApiId: string): Promise<number[]> {
    const { where, values } = within(scope, 'hour', since, callbackApiId);
    return this.histogram('service_callback_endpoint_hours', 'duration_histogram', where, values);
  }

  /** Deletes older figures. */
  async prune(minutesBefore: Date, hoursBefore: Date): Promise<void> {
    for (const [statement, before] of [
      ['DELETE FROM service_callback_minutes WHERE minute < $1', minutesBefore],
      ['DELETE FROM service_callback_endpoint_hours WHERE hour < $1', hoursBefore],
    ] as const)
      await retryConflicts(() => this.dataSource.query(statement, [before]));
  }

  private async histogram(
    table: string,
    column: string,
    where: string,
    values: readonly unknown[],
  ): Promise<number[]> {
    const buckets = await rows<{ bucket: number; count: number }>(
      this.dataSource,
      `SELECT bucket::int, sum(count)::bigint AS count
       FROM ${table}, unnest(${column}) WITH ORDINALITY AS buckets (count, bucket)
       WHERE ${where} GROUP BY bucket ORDER BY bucket`,
      values,
    );
    return buckets.map(({ count }) => count);
  }
}

function within(scope: LogScope, span: 'minute' | 'hour', since: Date, callbackApiId?: string) {
  const parameters = new SqlParameters();
  const where = [`${span} >= ${parameters.add(since)}`];
  if (scope !== 'all') where.push(`service_id = ${parameters.add(scope.serviceId)}`);
  if (callbackApiId !== undefined) where.push(`callback_api_id = ${parameters.add(callbackApiId)}`);
  return { where: where.join(' AND '), values: parameters.values };
}
