import { Inject, Injectable } from '@nestjs/common';
import type { DataSource, EntityManager } from 'typeorm';
import type { LogScope } from '../delivery-log/records.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';
import { DeadLetterEntity } from './dead-letter.entity.js';
import { ReplayRunEntity } from './replay-run.entity.js';
import type { ReplayTally } from './replay-tally.js';

/** How far a replay of many has come. */
export interface ReplayRun {
  readonly id: string;
  readonly serviceId: string | null;
  readonly total: number;
  readonly queued: number;
  readonly refused: number;
  /** Still to come. */
  readonly waiting: number;
  readonly requestedAt: Date;
  readonly advancedAt: Date | null;
  readonly stoppedAt: Date | null;
}

/** Replays of many: what is asked for and counted in the database goes on in whichever process is there. */
@Injectable()
export class ReplayRunRepository {
  constructor(@Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource) {}

  /** A service finds its own alone. */
  async find(scope: LogScope, id: string): Promise<ReplayRun | null> {
    const run = await this.dataSource.manager.findOneBy(ReplayRunEntity, {
      id,
      ...(scope !== 'all' && { serviceId: scope.serviceId }),
    });
    if (!run) return null;
    const { serviceId, total, queued, refused, requestedAt, advancedAt, stoppedAt } = run;
    const waiting = await this.waiting(id);
    return { id, serviceId, total, queued, refused, waiting, requestedAt, advancedAt, stoppedAt };
  }

  /** Those not over, newest first; 20 at most. */
  async running(scope: LogScope): Promise<ReplayRunEntity[]> {
    const query = this.dataSource
      .createQueryBuilder(ReplayRunEntity, 'run')
      .where('run.stoppedAt IS NULL')
      .andWhere(
        `EXISTS (SELECT 1 FROM service_callback_dead_letters letter
                 WHERE letter.replay_id = run.id AND letter.replay_requested_at IS NOT NULL)`,
      );
    if (scope !== 'all') query.andWhere('run.serviceId = :serviceId', { serviceId: scope.serviceId });
    return query.orderBy('run.requestedAt', 'DESC').limit(20).getMany();
  }

  /** What a batch did, in the batch's own transaction. */
  async advance({ runs }: ReplayTally, at: Date, manager: EntityManager): Promise<void> {
    for (const [id, { queued, refused }] of runs) {
      await manager.query(
        `UPDATE service_callback_replays
         SET queued = queued + $2, refused = refused + $3, advanced_at = $4 WHERE id = $1`,
        [id, queued, refused, at],
      );
    }
  }

  /** What is still to come stays a dead letter; what is on its way goes on. Pressed twice, stopped once. */
  async stop(scope: LogScope, id: string, now: Date): Promise<boolean> {
    if (!(await this.find(scope, id))) return false;
    await this.dataSource.transaction(async (manager) => {
      await manager
        .createQueryBuilder()
        .update(DeadLetterEntity)
        .set({ replayRequestedAt: null, replayId: null })
        .where('replay_id = :id AND replay_requested_at IS NOT NULL', { id })
        .execute();
      await manager
        .createQueryBuilder()
        .update(ReplayRunEntity)
        .set({ stoppedAt: now })
        .where('id = :id AND stopped_at IS NULL', { id })
        .execute();
    });
    return true;
  }

  /** Runs are of no use long after: they go with the dead letters' retention. */
  async prune(before: Date): Promise<void> {
    await this.dataSource.query(`DELETE FROM service_callback_replays WHERE requested_at < $1`, [before]);
  }

  private waiting(replayId: string): Promise<number> {
    return this.dataSource
      .createQueryBuilder(DeadLetterEntity, 'letter')
      .where('letter.replayId = :replayId AND letter.replayRequestedAt IS NOT NULL', { replayId })
      .getCount();
  }
}
