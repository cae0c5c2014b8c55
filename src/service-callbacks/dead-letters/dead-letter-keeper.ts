import {
  Inject,
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { Clock } from '../clock.js';
import type { DeadLetterOptions } from '../service-callbacks.options.js';
import { DEAD_LETTER_OPTIONS } from '../tokens.js';
import { DeadLetterRepository } from './dead-letter.repository.js';
import { ReplayRunRepository } from './replay-run.repository.js';
import { Replay } from './replay.js';

const DAY_MS = 86_400_000;
/** How often retention is looked after, ms, and how many rows a statement removes. */
const PRUNE = { everyMs: 600_000, batch: 1_000 } as const;
/** How often requested replays are looked for, ms; a batch is the rate times this. */
const REPLAY_EVERY_MS = 1_000;

/** Works beside the processors: queues the replays that were asked for, at a bounded rate, and prunes. */
@Injectable()
export class DeadLetterKeeper implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('ServiceCallbacks');
  private readonly stopping = new AbortController();
  private running: readonly Promise<void>[] = [];

  constructor(
    private readonly deadLetters: DeadLetterRepository,
    private readonly runs: ReplayRunRepository,
    private readonly replay: Replay,
    private readonly clock: Clock,
    @Inject(DEAD_LETTER_OPTIONS) private readonly options: DeadLetterOptions,
  ) {}

  onApplicationBootstrap(): void {
    const { replaysPerSecond } = this.options;
    this.running = [
      this.every(REPLAY_EVERY_MS, 'replay', async () => {
        await this.replay.batch(Math.ceil((replaysPerSecond * REPLAY_EVERY_MS) / 1_000));
      }),
      this.every(PRUNE.everyMs, 'prune', () => this.prune()),
    ];
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.running);
  }

  private async prune(): Promise<void> {
    const before = new Date(this.clock.now() - this.options.retentionDays * DAY_MS);
    await this.runs.prune(before);
    while (!this.stopping.signal.aborted) {
      if ((await this.deadLetters.prune(before, PRUNE.batch)) < PRUNE.batch) return;
    }
  }

  private async every(ms: number, task: string, work: () => Promise<void>): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        await work();
      } catch (error) {
        this.logger.error({
          event: 'dead_letters.failed',
          task,
          error: String(error),
          msg: `Could not ${task}`,
        });
      }
      await sleep(ms, undefined, { signal }).catch(() => undefined);
    }
  }
}
