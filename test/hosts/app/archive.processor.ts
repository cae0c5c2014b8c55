import { Processor, WorkerHost } from '@nestjs/bullmq';
import { InjectDataSource } from '@nestjs/typeorm';
import type { Job } from 'bullmq';
import { DataSource } from 'typeorm';
import { Parcel } from './parcel.js';

/** Work of the host's own, on the BullMQ and the Redis of its own. */
@Processor('archive')
export class ArchiveProcessor extends WorkerHost {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {
    super();
  }

  async process({ data }: Job<{ readonly id: string }>): Promise<void> {
    await this.dataSource.manager.update(Parcel, data.id, { status: 'archived' });
  }
}
