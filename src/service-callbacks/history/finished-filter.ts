import type { GiveUpReason } from '../callbacks/callback.js';
import type { LogScope } from './records.js';
import type { SqlParameters } from '../../database/sql-parameters.js';
import type { FINISHED_STATES } from '../callbacks/state-machine.js';

/** Which finished callbacks. */
export interface FinishedFilter {
  /** Only these. */
  readonly ids?: readonly string[] | undefined;
  readonly state?: (typeof FINISHED_STATES)[number] | undefined;
  readonly callbackApiId?: string | undefined;
  readonly callbackType?: string | undefined;
  readonly subjectId?: string | undefined;
  readonly reason?: GiveUpReason | undefined;
  /** Given up because the endpoint was disabled, or with the 410 that disabled it. */
  readonly whileDisabled?: boolean | undefined;
  /** Whether a replay is requested and has not started. */
  readonly isReplayRequested?: boolean | undefined;
  /** Finished at or after. */
  readonly since?: Date | undefined;
  /** Finished before. */
  readonly until?: Date | undefined;
}

const WHILE_DISABLED = `(c.reason = 'disabled'
  OR (c.reason = 'not_retried' AND c.attempts->-1->>'status_code' = '410'))`;

/** The condition on a row `c` of the record. */
export function finishedConditions(
  parameters: SqlParameters,
  scope: LogScope,
  filter: FinishedFilter,
): string[] {
  const { ids, state, callbackApiId, callbackType, subjectId, reason, since, until } = filter;
  const { whileDisabled = false, isReplayRequested } = filter;
  const where = [state === undefined ? `c.state IN ('delivered', 'given_up')` : `c.state = '${state}'`];
  if (scope !== 'all') where.push(`c.service_id = ${parameters.add(scope.serviceId)}`);
  if (ids !== undefined) where.push(`c.id = ANY(${parameters.add(ids)}::uuid[])`);
  if (callbackApiId !== undefined) where.push(`c.endpoint_id = ${parameters.add(callbackApiId)}`);
  if (callbackType !== undefined) where.push(`c.callback_type = ${parameters.add(callbackType)}`);
  if (subjectId !== undefined) where.push(`c.subject_id = ${parameters.add(subjectId)}`);
  if (reason !== undefined) where.push(`c.reason = ${parameters.add(reason)}`);
  if (whileDisabled) where.push(WHILE_DISABLED);
  if (isReplayRequested !== undefined)
    where.push(`c.replay_requested_at IS ${isReplayRequested ? 'NOT NULL' : 'NULL'}`);
  if (since !== undefined) where.push(`c.finished_at >= ${parameters.add(since)}`);
  if (until !== undefined) where.push(`c.finished_at < ${parameters.add(until)}`);
  return where;
}
