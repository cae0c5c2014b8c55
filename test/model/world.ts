import { bearerTokenBinding } from '../../src/service-callbacks/endpoints/callback-api.entity.js';
import { payloadBinding } from '../../src/service-callbacks/callbacks/callback.js';
import type { NewCallback } from '../../src/service-callbacks/callbacks/callback.repository.js';
import type { Settlement } from '../../src/service-callbacks/callbacks/state-machine.js';
import type { Clock } from '../../src/service-callbacks/clock.js';
import { PayloadCipher } from '../../src/service-callbacks/security/payload-cipher.js';
import { History } from './history.js';
import { ModelProcess } from './model-process.js';
import { ModelQueues, type ModelJob } from './model-queues.js';
import type { Mutant } from './mutants.js';
import { Steps, untilIdle, USUAL, type Choice } from './steps.js';
import type { Store } from './store.js';

const PROCESSES = 2;
const ENDPOINTS = 2;
const PRIORITY = 1;
/** Longer than the age at which the sweep looks for a batch, and than any retry delay, ms. */
const LONG_MS = 10_001;
const MAX_ROUNDS = 40;

/** One scenario: a record, two queues, endpoints and two processes, and everything that may happen to them. */
export class World {
  readonly steps = new Steps();
  readonly queues = new ModelQueues();
  readonly history: History;
  readonly cipher = new PayloadCipher([`model:${Buffer.alloc(32, 1).toString('base64')}`]);
  readonly clock: Clock = { now: () => this.store.now, monotonic: () => this.store.now };
  private readonly endpoints: string[] = [];
  private readonly news: NewCallback[] = [];
  private processes: ModelProcess[] = [];
  private readonly stopping: ModelProcess[] = [];
  private delivered: Settlement[] = [];
  private failure: Error | undefined;
  /** Time has passed, or a hold was lifted or read, since the last round of a relay. */
  private maybeReleased = false;
  /** The events so far, for the message of a failure. */
  readonly trace: string[] = [];
  private ids = 0;
  attempts = 0;

  private constructor(
    readonly store: Store,
    readonly mutant: Mutant,
  ) {
    this.history = new History(mutant.commitsLate === true);
  }

  static async create(store: Store, mutant: Mutant): Promise<World> {
    const world = new World(store, mutant);
    await store.empty();
    for (let nth = 0; nth < ENDPOINTS; nth += 1) {
      const id = world.id();
      world.endpoints.push(id);
      await store.dataSource.query(
        `INSERT INTO service_callback_apis (id, service_id, callback_type, url, bearer_token, updated_by_id, created_at)
         VALUES ($1, $2, 'model', 'https://example.com/', $3, 'model', now())`,
        [id, `service-${nth}`, world.cipher.encrypt('token', bearerTokenBinding(id))],
      );
    }
    world.processes = Array.from({ length: PROCESSES }, () => new ModelProcess(world));
    await untilIdle();
    return world;
  }

  /** Ends the scenario: nothing of it continues. */
  async close(): Promise<void> {
    for (const process of [...this.processes, ...this.stopping]) await process.kill();
  }

  /** Checks, after each event, what must always be true. */
  async observe(): Promise<void> {
    await untilIdle();
    if (this.failure !== undefined) throw this.failure;
    this.history.observe(await this.store.rows(), this.queues.all(), this.store.now, this.delivered);
    this.delivered = [];
  }

  /** An error that no process may have. */
  fail(error: unknown): void {
    this.failure = error as Error;
  }

  note(event: { readonly does: string }): void {
    const { does, ...how } = event;
    if (does !== 'step') this.trace.push(`${does} ${Object.values(how).join(' ')}`);
  }

  async step(nth: number, choice: Choice): Promise<void> {
    const begins = this.beginnings();
    const { ready } = this.steps;
    const chosen = nth % Math.max(1, ready + begins.length);
    const done = chosen < ready ? await this.steps.step(chosen, choice) : begins[chosen - ready]?.();
    this.steps.pass();
    if (done !== undefined) this.trace.push(`  ${done}`);
  }

  /** What idle processes may begin: a round of the relay, or a job without a worker. */
  private beginnings(): (() => string)[] {
    const isDue = this.history.isDue(this.store.now) || (this.maybeReleased && this.history.has('held'));
    const jobs = this.queues.waiting();
    return this.processes.flatMap((process, nth) => [
      ...(isDue && process.isRelayIdle ? [() => this.relay(nth)] : []),
      ...jobs.filter((job) => process.waitsFor(job)).map((job) => () => this.fetch(nth, job)),
    ]);
  }

  private relay(nth: number): string {
    this.maybeReleased = false;
    this.processes[nth]?.relayRound();
    return `process ${nth} relays`;
  }

  private fetch(nth: number, job: ModelJob): string {
    this.processes[nth]?.fetch(job);
    return `process ${nth} fetches ${job.id}`;
  }

  delay(nth: number, times: number): void {
    this.steps.delay(nth, times);
  }

  sweep(process: number): void {
    if (this.history.has('queued', 'scheduled', 'held')) this.processes[process]?.sweep();
  }

  /** A process reads which endpoints are on hold. */
  learn(process: number): void {
    this.maybeReleased = true;
    this.processes[process]?.learn();
  }

  /** A person changes an endpoint on hold, or tests it with success. */
  lift(process: number, nth: number): void {
    const held = this.endpoints.filter((id) => this.history.isHeld(id));
    const id = held[nth % held.length];
    if (id !== undefined) this.processes[process]?.lift(id);
    this.maybeReleased = true;
  }

  /** News of one transaction, which a later step ends. */
  async enqueue(endpoint: number, count: number, commits: boolean): Promise<void> {
    const owner = {};
    const news = Array.from({ length: count }, () => this.newsFor(endpoint));
    const manager = await this.store.begin(owner);
    await this.store.callbacks.insert(news, manager);
    void this.steps.take(owner, commits ? 'commit' : 'roll back', async () => {
      await this.store.end(owner, commits ? 'COMMIT' : 'ROLLBACK');
      if (!commits) return;
      this.news.push(...news);
      for (const { id } of news) this.history.committed.add(id);
    });
  }

  /** The same news again. */
  async repeat(nth: number): Promise<void> {
    const known = this.news[nth % this.news.length];
    if (!known) return;
    const { id } = this.newsFor(0);
    const kept = await this.store.callbacks.insert([{ ...known, id }]);
    if (kept.get(id) !== known.id) throw new Error(`the news of ${known.id} became ${kept.get(id)} as well`);
  }

  async replay(nth: number): Promise<void> {
    const finished = this.history.finishedIds();
    const id = finished[nth % finished.length];
    if (id !== undefined) await this.store.callbacks.replay([id], PRIORITY);
  }

  /** A person disables or enables an endpoint. */
  async switch(endpoint: number): Promise<void> {
    const id = this.endpoints[endpoint] ?? '';
    const [row] = await this.store.dataSource.query<{ disabled: boolean }[]>(
      `UPDATE service_callback_apis SET disabled_at = CASE WHEN disabled_at IS NULL THEN now() END,
         disabled_reason = CASE WHEN disabled_at IS NULL THEN 'by_hand' END
       WHERE id = $1 RETURNING disabled_at IS NOT NULL AS disabled`,
      [id],
    );
    if (row?.disabled === true) await this.store.callbacks.giveUpWaiting(id, 'disabled', 100);
  }

  async delete(endpoint: number): Promise<void> {
    const id = this.endpoints[endpoint] ?? '';
    await this.store.dataSource.query('DELETE FROM service_callback_apis WHERE id = $1', [id]);
    await this.store.callbacks.giveUpWaiting(id, 'cancelled', 100);
  }

  wait(): void {
    this.store.now += LONG_MS;
    this.maybeReleased = true;
  }

  /** The lock of an active job expires, whether or not its worker lives. */
  stall(nth: number): void {
    const active = this.queues.active();
    const job = active[nth % active.length];
    if (!job) return;
    this.queues.stall(job);
    for (const run of this.history.runsOf(job)) this.history.lost(run);
  }

  flush(): void {
    for (const job of this.queues.active())
      for (const run of this.history.runsOf(job)) this.history.lost(run);
    this.queues.flush();
  }

  async kill(process: number): Promise<void> {
    await this.processes[process]?.kill();
    this.processes[process] = new ModelProcess(this);
  }

  /** SIGTERM; later steps finish its work. */
  stop(process: number): void {
    const stopped = this.processes[process];
    if (!stopped) return;
    stopped.stop();
    this.stopping.push(stopped);
    this.processes[process] = new ModelProcess(this);
  }

  async settle(settlements: readonly Settlement[]): Promise<Map<string, boolean>> {
    const applied = await this.store.callbacks.settle(settlements);
    this.delivered.push(...settlements.filter(({ disposition }) => disposition.kind === 'delivered'));
    return applied;
  }

  /** From now on nothing fails and every endpoint responds with 200: every open callback must end. */
  async end(): Promise<void> {
    await this.store.dataSource.query(
      'UPDATE service_callback_apis SET disabled_at = NULL, disabled_reason = NULL',
    );
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      await this.finishSteps();
      if (this.history.isOver && this.queues.all().length === 0) break;
      this.wait();
      for (const job of this.queues.active()) this.stall(this.queues.active().indexOf(job));
      this.learn(0);
      await this.finishSteps();
      this.relay(0);
      this.sweep(0);
      await this.finishSteps();
      for (const job of this.queues.waiting()) {
        if (this.processes[0]?.waitsFor(job) === true) this.fetch(0, job);
        await this.finishSteps();
      }
    }
    this.history.end(this.queues.all());
  }

  private async finishSteps(): Promise<void> {
    await this.observe();
    while (this.steps.count > 0) {
      await this.step(0, USUAL);
      await this.observe();
    }
  }

  /** The same ids in each run of a scenario. */
  private id(): string {
    this.ids += 1;
    return `00000000-0000-7000-8000-${`${this.ids}`.padStart(12, '0')}`;
  }

  private newsFor(endpoint: number): NewCallback {
    const id = this.id();
    return {
      id,
      service_id: `service-${endpoint}`,
      endpoint_id: this.endpoints[endpoint] ?? '',
      callback_type: 'model',
      subject_id: id,
      url: 'https://example.com/',
      news_key: id,
      priority: PRIORITY,
      queued_at: this.store.now,
      trace: null,
      payload: this.cipher.encrypt('{}', payloadBinding(id)),
    };
  }
}
