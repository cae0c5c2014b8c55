import { BullModule, Processor, WorkerHost } from '@nestjs/bullmq';
import { Module } from '@nestjs/common';
import type { Job } from 'bullmq';
import { AppModule } from './app/app.module.js';

/** The host's own work, with its own BullMQ and its own Redis. */
@Processor('weighing')
export class Weighing extends WorkerHost {
  readonly done: string[] = [];

  async process(job: Job): Promise<void> {
    this.done.push(job.name);
  }
}

@Module({
  imports: [
    AppModule,
    BullModule.forRoot({ connection: { url: process.env['REDIS_URL'] } }),
    BullModule.registerQueue({ name: 'weighing' }),
  ],
  providers: [Weighing],
})
export class HostModule {}
