import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnModuleInit,
} from '@nestjs/common';
import { describeError } from '../../observability/describe-error.js';
import type { HoldReason } from '../callbacks/callback.js';
import { Clock } from '../clock.js';
import { periodically } from '../periodically.js';
import { HoldRepository, type HeldEndpoint } from './hold.repository.js';

export type { HeldEndpoint } from './hold.repository.js';

/** How long it takes until a process knows of a change by another process, ms. */
const REFRESH_MS = 1_000;

interface Hold {
  readonly reason: HoldReason;
  /** By this process's clock, Unix ms. */
  readonly nextAttemptAt: number;
  /** When it was written, monotonic ms: a list that was read before that does not have it. */
  writtenAt: number;
}

/** The endpoints on hold, in memory: admission does not read the database. */
@Injectable()
export class Holds implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('ServiceCallbacks');
  private readonly stopping = new AbortController();
  private open = new Map<string, Hold>();
  /** Holds that are being released. */
  private releasing = 0;
  private running: Promise<void> | undefined;
  private onLifted: (endpointId: string) => void = () => undefined;
  private isCurrent = true;

  constructor(
    private readonly repository: HoldRepository,
    private readonly clock: Clock,
  ) {}

  /** Read before anything is delivered. */
  async onModuleInit(): Promise<void> {
    await this.refresh().catch((error: unknown) => this.outdated(error));
  }

  onApplicationBootstrap(): void {
    const { signal } = this.stopping;
    const onError = (error: unknown): void => this.outdated(error);
    this.running = periodically({ everyMs: REFRESH_MS, signal, onError }, () => this.refresh());
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** Called with each endpoint whose hold was lifted, as far as this process sees it. */
  whenLifted(listener: (endpointId: string) => void): void {
    this.onLifted = listener;
  }

  /** Whether a hold is being released, or is due for a probe or its end. */
  get isAnyDue(): boolean {
    const now = this.clock.now();
    return this.releasing > 0 || [...this.open.values()].some(({ nextAttemptAt }) => nextAttemptAt <= now);
  }

  /** @returns undefined if the endpoint may get attempts */
  reasonFor(endpointId: string): HoldReason | undefined {
    return this.open.get(endpointId)?.reason;
  }

  /** Unix ms; undefined if it is not on hold. */
  nextAttemptAt(endpointId: string): number | undefined {
    return this.open.get(endpointId)?.nextAttemptAt;
  }

  /**
   * Puts an endpoint on hold because of an attempt, or makes its hold longer. In this process a new hold is effective at
   * once.
   * @param startedAt of the attempt, Unix ms
   */
  async put(endpoint: HeldEndpoint, reason: HoldReason, forMs: number, startedAt: number): Promise<void> {
    const { endpointId } = endpoint;
    const now = this.clock.now();
    const hold: Hold = { reason, nextAttemptAt: now + forMs, writtenAt: Number.POSITIVE_INFINITY };
    if (!this.open.has(endpointId)) this.open.set(endpointId, hold);
    try {
      const isNew = await this.repository.open(endpointId, reason, forMs, now - startedAt);
      if (isNew) this.logHeld(endpoint, hold);
    } catch (error) {
      this.outdated(error);
    } finally {
      hold.writtenAt = this.clock.monotonic();
    }
  }

  /** The endpoint responds again, or has changed: its held callbacks continue. */
  async lift(endpoint: HeldEndpoint, why: 'probe' | 'changed' | 'enabled' | 'test'): Promise<void> {
    const wasOpen = await this.repository.lift(endpoint.endpointId);
    if (this.open.delete(endpoint.endpointId)) this.onLifted(endpoint.endpointId);
    if (!wasOpen) return;
    this.releasing += 1;
    this.logReleased(endpoint, why);
  }

  /** Releases holds whose time is over, and those that would be probed but have no held callbacks. */
  async releaseDue(): Promise<void> {
    for (const { endpointId, reason, endpoint } of await this.repository.releaseDue()) {
      if (this.open.delete(endpointId)) this.onLifted(endpointId);
      this.releasing += 1;
      if (endpoint) this.logReleased(endpoint, reason === 'retry_after' ? reason : 'nothing_held');
    }
  }

  private logReleased(endpoint: HeldEndpoint, why: string): void {
    this.logger.log({
      event: 'endpoint.released',
      callback_api_id: endpoint.endpointId,
      ...facts(endpoint),
      reason: why,
      msg: 'An endpoint gets its callbacks again',
    });
  }

  private logHeld(endpoint: HeldEndpoint, { reason, nextAttemptAt }: Hold): void {
    this.logger.warn({
      event: 'endpoint.held',
      callback_api_id: endpoint.endpointId,
      ...facts(endpoint),
      reason,
      next_attempt_at: new Date(nextAttemptAt).toISOString(),
      msg: 'An endpoint is on hold: its callbacks wait',
    });
  }

  private async refresh(): Promise<void> {
    const startedAt = this.clock.monotonic();
    const read = await this.repository.notLifted();
    const now = this.clock.now();
    const open = new Map<string, Hold>();
    for (const [id, hold] of this.open) if (hold.writtenAt > startedAt) open.set(id, hold);
    for (const { endpoint_id: id, state, reason, due_in_ms: dueInMs } of read)
      if (state === 'open') open.set(id, { reason, nextAttemptAt: now + dueInMs, writtenAt: startedAt });
    const lifted = [...this.open.keys()].filter((id) => !open.has(id));
    this.open = open;
    this.releasing = read.filter(({ state }) => state === 'releasing').length;
    this.isCurrent = true;
    for (const id of lifted) this.onLifted(id);
  }

  /** Logged once an outage. */
  private outdated(error: unknown): void {
    if (this.isCurrent)
      this.logger.warn({
        event: 'holds.outdated',
        err: describeError(error),
        msg: 'Which endpoints are on hold cannot be read or written now',
      });
    this.isCurrent = false;
  }
}

function facts({ serviceId, callbackType, url }: HeldEndpoint): Record<string, string> {
  return { service_id: serviceId, callback_type: callbackType, service_callback_url: url };
}
