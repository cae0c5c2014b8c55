import { BullModule, Processor, WorkerHost } from '@nestjs/bullmq';
import { Module } from '@nestjs/common';
import type { Job } from 'bullmq';
import { AppModule } from './app/app.module.js';

/** Work of the host's own, on the BullMQ and the Redis of its own. */
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
