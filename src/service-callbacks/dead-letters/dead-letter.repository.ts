import { Inject, Injectable } from '@nestjs/common';
import { Brackets, type DataSource, type EntityManager, type SelectQueryBuilder } from 'typeorm';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';
import { DeadLetterEntity, type GiveUpReason } from './dead-letter.entity.js';

/** Which of a service's dead letters. */
export interface DeadLetterFilter {
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
  'replayed_at',
];

@Injectable()
export class DeadLetterRepository {
  constructor(@Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource) {}

  /** What `work` does with its manager commits together or not at all. */
  transaction<T>(work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.dataSource.transaction(work);
  }

  /** Idempotent: an end that repeats after a crash overwrites itself; an older generation never a newer one. */
  async bury(letter: DeadLetterEntity): Promise<void> {
    await this.dataSource
      .createQueryBuilder()
      .insert()
      .into(DeadLetterEntity)
      .values(letter)
      .orUpdate(OVERWRITTEN, ['id'], {
        overwriteCondition: { where: 'service_callback_dead_letters.generation <= EXCLUDED.generation' },
      })
      .execute();
  }

  /** Newest first. */
  async list(
    serviceId: string,
    filter: DeadLetterFilter,
    limit: number,
    after?: DeadLetterCursor,
  ): Promise<DeadLetterEntity[]> {
    const query = this.select(serviceId, filter);
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

  /** Asks for a replay of all that can be replayed and is not being. @returns how many. */
  async requestReplay(serviceId: string, filter: DeadLetterFilter, now: Date): Promise<number> {
    const wanted = this.select(serviceId, filter)
      .select('letter.id')
      .andWhere(
        'letter.document IS NOT NULL AND letter.replayRequestedAt IS NULL AND letter.replayedAt IS NULL',
      );
    const { affected } = await this.dataSource
      .createQueryBuilder()
      .update(DeadLetterEntity)
      .set({ replayRequestedAt: now })
      .where(`id IN (${wanted.getQuery()})`)
      .setParameters(wanted.getParameters())
      .execute();
    return affected ?? 0;
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

  /** Removes at most `limit` given up before `before`. @returns how many. */
  async prune(before: Date, limit: number): Promise<number> {
    const [, count] = await this.dataSource.query<[unknown, number]>(
      `DELETE FROM service_callback_dead_letters WHERE id IN (
         SELECT id FROM service_callback_dead_letters WHERE given_up_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)`,
      [before, limit],
    );
    return count;
  }

  private select(serviceId: string, filter: DeadLetterFilter): SelectQueryBuilder<DeadLetterEntity> {
    const { callbackApiId, reason, since, until } = filter;
    return this.dataSource
      .createQueryBuilder(DeadLetterEntity, 'letter')
      .where('letter.serviceId = :serviceId', { serviceId })
      .andWhere(
        new Brackets((where) => {
          where.where('TRUE');
          if (callbackApiId !== undefined)
            where.andWhere('letter.callbackApiId = :callbackApiId', { callbackApiId });
          if (reason !== undefined) where.andWhere('letter.reason = :reason', { reason });
          if (since !== undefined) where.andWhere('letter.givenUpAt >= :since', { since });
          if (until !== undefined) where.andWhere('letter.givenUpAt < :until', { until });
        }),
      );
  }
}
