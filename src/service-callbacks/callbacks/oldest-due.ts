import { Inject, Injectable } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { rows } from '../../database/rows.js';
import { CALLBACKS_DATA_SOURCE } from '../tokens.js';
import { tablesOf } from './callback.repository.js';

/** How long the callback that has been due for longest has waited: it shows whether callbacks move. */
@Injectable()
export class OldestDue {
  constructor(@Inject(CALLBACKS_DATA_SOURCE) private readonly dataSource: DataSource) {}

  /** ms; 0 if none is due. */
  async read(): Promise<number> {
    const { callbacks } = tablesOf(this.dataSource);
    const [row] = await rows<{ waited: number | null }>(
      this.dataSource,
      `SELECT (extract(epoch FROM now() - min(due)) * 1000)::bigint AS waited FROM (
         SELECT min(changed_at) AS due FROM (
           SELECT changed_at FROM ${callbacks} WHERE state = 'pending' ORDER BY priority, seq LIMIT 1000) pending
         UNION ALL
         (SELECT next_attempt_at FROM ${callbacks} WHERE state = 'scheduled' ORDER BY next_attempt_at LIMIT 1)
         UNION ALL
         SELECT min(batched_at) FROM (SELECT batched_at FROM ${callbacks} WHERE state = 'queued' LIMIT 20000) queued
       ) oldest`,
    );
    return Math.max(0, row?.waited ?? 0);
  }
}
