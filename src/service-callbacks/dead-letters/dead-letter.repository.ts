import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { DataSource, EntityManager, SelectQueryBuilder } from 'typeorm';
import type { LogScope } from '../delivery-log/records.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';
import { DeadLetterEntity, type GiveUpReason } from './dead-letter.entity.js';
import { ReplayRunEntity } from './replay-run.entity.js';

/** Which dead letters. */
export interface DeadLetterFilter {
  /** Of these alone. */
  readonly ids?: readonly string[];
  readonly callbackApiId?: string;
  readonly reason?: GiveUpReason;
  /** Given up at or after. */
  readonly since?: Date;
  /** Given up before. */
  readonly until?: Date;
}

/** Where a page begins: after this one, in the order of the list. */
export interface DeadLetterCursor {
  readonly givenUpAt: Date;
  readonly id: string;
}

/** What a bury overwrites of an earlier end of the same callback. */
const OVERWRITTEN = [
  'callback_api_id',
  'url',
  'reason',
  'detail',
  'document',
  'generation',
  'attempts',
  'given_up_at',
  'replay_requested_at',
  'replay_id',
  'replayed_at',
];

@Injectable()
export class DeadLetterRepository {
  constructor(@Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource) {}

  /** What `work` does with its manager commits together or not at all. */
  transaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.dataSource.transaction(work);
  }

  /**
   * Idempotent: an end that repeats after a crash overwrites itself; an older generation never a newer one. The
   * same news sent anew begins at the first generation again: what was queued after a replay is newer than it.
   */
  async bury(letter: DeadLetterEntity): Promise<void> {
    await this.dataSource
      .createQueryBuilder()
      .insert()
      .into(DeadLetterEntity)
      .values(letter)
      .orUpdate(OVERWRITTEN, ['id'], {
        overwriteCondition: {
          where: `service_callback_dead_letters.generation <= EXCLUDED.generation
                  OR service_callback_dead_letters.replayed_at < EXCLUDED.queued_at`,
        },
      })
      .execute();
  }

  /** Newest first. */
  async list(
    scope: LogScope,
    filter: DeadLetterFilter,
    limit: number,
    after?: DeadLetterCursor,
  ): Promise<DeadLetterEntity[]> {
    const query = this.select(scope, filter);
    if (after) {
      query.andWhere('(letter.givenUpAt, letter.id) < (:afterAt, :afterId)', {
        afterAt: after.givenUpAt,
        afterId: after.id,
      });
    }
    return query.orderBy('letter.givenUpAt', 'DESC').addOrderBy('letter.id', 'DESC').limit(limit).getMany();
  }

  find(serviceId: string, id: string): Promise<DeadLetterEntity | null> {
    return this.dataSource.manager.findOneBy(DeadLetterEntity, { serviceId, id });
  }

  /** How many of them can be replayed and are not being; as far as `limit`, where there is one. */
  countReplayable(scope: LogScope, filter: DeadLetterFilter, limit?: number): Promise<number> {
    return this.countOf(this.replayable(scope, filter), limit);
  }

  /** Counts as far as `limit`. */
  count(scope: LogScope, filter: DeadLetterFilter, limit: number): Promise<number> {
    return this.countOf(this.select(scope, filter), limit);
  }

  /** Asks for a replay of all that can be replayed and is not being. @returns how many. */
  async requestReplay(serviceId: string, filter: DeadLetterFilter, now: Date): Promise<number> {
    return (await this.startReplay({ serviceId }, filter, now)).total;
  }

  /** The same, of one service or of all; the run that this makes can be watched and stopped (`ReplayRunRepository`). */
  startReplay(
    scope: LogScope,
    filter: DeadLetterFilter,
    now: Date,
  ): Promise<{ readonly id: string; readonly total: number }> {
    return this.dataSource.transaction(async (manager) => {
      const id = randomUUID();
      const wanted = this.replayable(scope, filter).select('letter.id');
      const { affected } = await manager
        .createQueryBuilder()
        .update(DeadLetterEntity)
        .set({ replayRequestedAt: now, replayId: id })
        .where(`id IN (${wanted.getQuery()})`)
        // Again, of the row itself: one that was waited for may have been replayed meanwhile.
        .andWhere('replay_requested_at IS NULL AND replayed_at IS NULL')
        .setParameters(wanted.getParameters())
        .execute();
      const total = affected ?? 0;
      const run = { id, serviceId: scope === 'all' ? null : scope.serviceId, total, requestedAt: now };
      if (total > 0) await manager.insert(ReplayRunEntity, run);
      return { id, total };
    });
  }

  /** Some whose replay was asked for, oldest request first; nobody else's hands are on them until `manager` commits. */
  lockRequested(limit: number, manager: EntityManager): Promise<DeadLetterEntity[]> {
    return manager
      .createQueryBuilder(DeadLetterEntity, 'letter')
      .where('letter.replayRequestedAt IS NOT NULL')
      .orderBy('letter.replayRequestedAt', 'ASC')
      .limit(limit)
      .setLock('pessimistic_write')
      .setOnLocked('skip_locked')
      .getMany();
  }

  lock(serviceId: string, id: string, manager: EntityManager): Promise<DeadLetterEntity | null> {
    return manager.findOne(DeadLetterEntity, {
      where: { serviceId, id },
      lock: { mode: 'pessimistic_write' },
    });
  }

  async update(id: string, change: Partial<DeadLetterEntity>, manager: EntityManager): Promise<void> {
    await manager.update(DeadLetterEntity, { id }, change);
  }

  /** @returns whether there was one. */
  async remove(serviceId: string, id: string): Promise<boolean> {
    const { affected } = await this.dataSource.manager.delete(DeadLetterEntity, { serviceId, id });
    return Boolean(affected);
  }

  /** Removes at most `limit` of them. @returns how many. */
  async removeSome(scope: LogScope, filter: DeadLetterFilter, limit: number): Promise<number> {
    const some = this.select(scope, filter).select('letter.id').limit(limit);
    const { affected } = await this.dataSource
      .createQueryBuilder()
      .delete()
      .from(DeadLetterEntity)
      .where(`id IN (${some.getQuery()})`)
      .setParameters(some.getParameters())
      .execute();
    return affected ?? 0;
  }

  /** Removes at most `limit` given up before `before`. @returns how many. */
  async prune(before: Date, limit: number): Promise<number> {
    const [, count] = await this.dataSource.query<[unknown, number]>(
      `DELETE FROM service_callback_dead_letters WHERE id IN (
         SELECT id FROM service_callback_dead_letters WHERE given_up_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)`,
      [before, limit],
    );
    return count;
  }

  private async countOf(query: SelectQueryBuilder<DeadLetterEntity>, limit?: number): Promise<number> {
    const some = query.select('letter.id').limit(limit);
    const row = await this.dataSource
      .createQueryBuilder()
      .select('count(*)::int', 'count')
      .from(`(${some.getQuery()})`, 'some')
      .setParameters(some.getParameters())
      .getRawOne<{ count: number }>();
    return row?.count ?? 0;
  }

  private replayable(scope: LogScope, filter: DeadLetterFilter): SelectQueryBuilder<DeadLetterEntity> {
    return this.select(scope, filter).andWhere(
      'letter.document IS NOT NULL AND letter.replayRequestedAt IS NULL AND letter.replayedAt IS NULL',
    );
  }

  private select(scope: LogScope, filter: DeadLetterFilter): SelectQueryBuilder<DeadLetterEntity> {
    const { ids, callbackApiId, reason, since, until } = filter;
    const query = this.dataSource.createQueryBuilder(DeadLetterEntity, 'letter').where('TRUE');
    if (scope !== 'all') query.andWhere('letter.serviceId = :serviceId', { serviceId: scope.serviceId });
    if (ids !== undefined) query.andWhere('letter.id = ANY(:ids)', { ids });
    if (callbackApiId !== undefined)
      query.andWhere('letter.callbackApiId = :callbackApiId', { callbackApiId });
    if (reason !== undefined) query.andWhere('letter.reason = :reason', { reason });
    if (since !== undefined) query.andWhere('letter.givenUpAt >= :since', { since });
    if (until !== undefined) query.andWhere('letter.givenUpAt < :until', { until });
    return query;
  }
}
