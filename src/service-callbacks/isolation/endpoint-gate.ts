import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { HoldReason } from '../callbacks/callback.js';
import { Clock } from '../clock.js';
import { Holds } from '../holds/holds.js';
import type { DeliveryOptions } from '../service-callbacks.options.js';
import { DELIVERY_OPTIONS } from '../tokens.js';
import { Endpoint, type AttemptResult, type EndpointOptions } from './endpoint.js';
import type { Speed } from './latency.js';
import { SlowThreshold } from './slow-threshold.js';
import { Permits } from './permits.js';
import { RoundRobin } from './round-robin.js';

/** First attempts and later ones have permits of their own. */
export type PermitPool = 'first' | 'retry';

/** Why a callback is not sent now, though its endpoint is not on hold. */
export type BusyReason = 'endpoint_busy' | 'endpoint_unproven' | 'process_busy';

export interface Deferral {
  readonly kind: 'deferred';
  readonly reason: BusyReason;
  /** When the callback is due again, Unix ms. */
  readonly nextAttemptAt: number;
}

/** Its endpoint is on hold. */
export interface Held {
  readonly kind: 'held';
  readonly reason: HoldReason;
}

export interface Permit {
  readonly kind: 'admitted';
  /**
   * To be called once, with the result of the attempt.
   * @returns whether this result opens the endpoint's circuit
   */
  release(result: AttemptResult | 'not_made'): boolean;
}

/** The process stops: the callback is not sent. */
export interface Stopped {
  readonly kind: 'stopped';
}

export type Admission = Permit | Deferral | Held | Stopped;

const STOPPED: Stopped = { kind: 'stopped' };

/** A response within the first share of the deadline is never slow; one after the second share is always slow. */
const SLOW_SHARE = 2 / 5;
const ALWAYS_SLOW_SHARE = 9 / 10;
/** How often attempts in flight are checked, ms. */
const REVIEW_MS = 250;
/** How long a callback of a quick endpoint waits for a permit, and how long any other is deferred, ms. */
const BUSY_MS = 1_000;
/**
 * Bounds of the deferral while an endpoint has not responded for the first time, ms. The deferral is the time since the
 * endpoint became known, times a random factor from ½ to 1½, so that its callbacks do not return at once. Each return
 * costs the stores.
 */
const UNPROVEN_MS = { min: 400, max: 5_000 } as const;

/** A callback that waits for a permit of its pool. */
interface Waiting {
  readonly endpointId: string;
  readonly url: string;
  /** Unix ms. */
  readonly since: number;
  readonly resolve: (admission: Admission | Promise<Admission>) => void;
}

/** The most idle endpoints that are remembered. */
const MAX_IDLE = 20_000;

/**
 * Limits what one endpoint may use, so that an endpoint that hangs, fails or gets a flood of callbacks does not delay
 * the others. The state belongs to the process: each process learns how an endpoint behaves within one deadline.
 */
@Injectable()
export class EndpointGate implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly endpoints = new Map<string, Endpoint>();
  private readonly active = new Set<Endpoint>();
  private readonly pools: Readonly<Record<PermitPool, Permits>>;
  /** By endpoint: one with many callbacks does not delay another's. */
  private readonly waiting: Readonly<Record<PermitPool, RoundRobin<Waiting>>> = {
    first: new RoundRobin(),
    retry: new RoundRobin(),
  };
  private stopped = false;
  private readonly endpointOptions: EndpointOptions;
  private readonly slowThreshold: SlowThreshold;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(DELIVERY_OPTIONS) options: DeliveryOptions,
    @Inject(Holds) private readonly holds: Pick<Holds, 'reasonFor' | 'whenLifted'>,
    private readonly clock: Clock,
  ) {
    this.pools = { first: new Permits(options.concurrency), retry: new Permits(options.retryConcurrency) };
    this.endpointOptions = {
      failures: options.circuitFailures,
      concurrency: options.endpointConcurrency,
    };
    this.slowThreshold = new SlowThreshold({
      slowAfterMs: options.timeoutMs * SLOW_SHARE,
      alwaysSlowAfterMs: options.timeoutMs * ALWAYS_SLOW_SHARE,
    });
  }

  onApplicationBootstrap(): void {
    this.holds.whenLifted((endpointId) => this.recovered(endpointId));
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** Admits no more callbacks, and ends every wait. */
  stop(): void {
    this.stopped = true;
    for (const endpoint of this.active) endpoint.stop();
    for (const waiting of Object.values(this.waiting))
      for (const { resolve } of waiting.takeWhile(() => true)) resolve(STOPPED);
  }

  /**
   * Waits in two cases: for the window of an endpoint that is not slow, and for a permit of a quick endpoint. A job may
   * have more callbacks than there are permits.
   * @param isProbe a probe of an endpoint on hold
   */
  admit(endpointId: string, url: string, pool: PermitPool, isProbe = false): Admission | Promise<Admission> {
    if (this.stopped) return STOPPED;
    const reason = isProbe ? undefined : this.holds.reasonFor(endpointId);
    if (reason) return { kind: 'held', reason };
    const now = this.clock.now();
    const endpoint = this.endpoint(endpointKey(endpointId, url), now);
    const mustWait =
      this.waiting[pool].has(endpoint.key) || !this.pools[pool].hasRoomFor(endpoint.key, 'quick');
    if (!isProbe && mustWait && endpoint.speed(now) === 'quick') {
      const { promise, resolve } = Promise.withResolvers<Admission>();
      this.waiting[pool].add(endpoint.key, { endpointId, url, since: now, resolve });
      return promise;
    }
    return this.admitTo(endpoint, pool, now, isProbe);
  }

  private admitTo(
    endpoint: Endpoint,
    pool: PermitPool,
    now: number,
    isProbe = false,
  ): Admission | Promise<Admission> {
    const permits = this.pools[pool];
    const speed = endpoint.speed(now);
    if (!isProbe && !permits.hasRoomFor(endpoint.key, speed)) return this.noRoom(endpoint, speed, now);
    this.active.add(endpoint);
    this.timer ??= setInterval(() => this.review(), REVIEW_MS).unref();
    permits.take(endpoint.key, speed === 'quick');
    if (isProbe || endpoint.hasRoom(now)) return this.permit(endpoint, pool, now);
    return this.wait(endpoint, pool);
  }

  /** Admits waiting callbacks while there are permits. */
  private serve(pool: PermitPool): void {
    const now = this.clock.now();
    const waiting = this.waiting[pool];
    for (let next = waiting.next; next !== undefined; next = waiting.next) {
      const endpoint = this.endpoint(endpointKey(next.endpointId, next.url), now);
      if (endpoint.speed(now) === 'quick' && !this.pools[pool].hasRoomFor(endpoint.key, 'quick')) return;
      waiting.take();
      this.endWait(next, endpoint, pool, now);
    }
  }

  /** Ends the waits that have lasted too long. */
  private endWaits(pool: PermitPool, now: number): void {
    for (const waiting of this.waiting[pool].takeWhile(({ since }) => now - since >= BUSY_MS)) {
      const endpoint = this.endpoint(endpointKey(waiting.endpointId, waiting.url), now);
      this.endWait(waiting, endpoint, pool, now);
    }
  }

  private endWait({ endpointId, resolve }: Waiting, endpoint: Endpoint, pool: PermitPool, now: number): void {
    const reason = this.holds.reasonFor(endpointId);
    resolve(reason ? { kind: 'held', reason } : this.admitTo(endpoint, pool, now));
  }

  /** Permits in use: attempts in flight, and callbacks that wait for their endpoint's window. */
  inUse(pool: PermitPool): number {
    return this.pools[pool].inUse;
  }

  /** The endpoint's hold was lifted, by this process or another. */
  private recovered(endpointId: string): void {
    for (const [key, endpoint] of this.endpoints) if (endpointIdOf(key) === endpointId) endpoint.recovered();
  }

  private permit(endpoint: Endpoint, pool: PermitPool, now: number): Permit {
    const attempt = endpoint.start(now);
    return {
      kind: 'admitted',
      release: (result) => {
        this.pools[pool].release(endpoint.key);
        const at = this.clock.now();
        const opensCircuit = result !== 'not_made' && endpoint.finish(attempt, result, at);
        if (result === 'not_made') endpoint.abandon(attempt, at);
        if (!endpoint.isActive) this.active.delete(endpoint);
        this.serve(pool);
        return opensCircuit;
      },
    };
  }

  private async wait(endpoint: Endpoint, pool: PermitPool): Promise<Admission> {
    const { promise, resolve } = Promise.withResolvers<Admission>();
    endpoint.wait((end) => {
      const now = this.clock.now();
      if (end === 'admitted') {
        resolve(this.permit(endpoint, pool, now));
        return;
      }
      this.pools[pool].release(endpoint.key);
      if (end === 'stopped') resolve(STOPPED);
      else if (end === 'held') resolve({ kind: 'held', reason: 'circuit_open' });
      else resolve(deferred('endpoint_busy', endpoint.nextAttemptAfter(now + BUSY_MS)));
    });
    // An endpoint may have become slow after its last attempt ended.
    endpoint.review(this.clock.now());
    return promise;
  }

  private noRoom(endpoint: Endpoint, speed: Speed, now: number): Deferral {
    if (speed !== 'unknown') return deferred('process_busy', endpoint.nextAttemptAfter(now + BUSY_MS));
    const { knownSince } = endpoint;
    const again = Math.min(UNPROVEN_MS.max, Math.max(UNPROVEN_MS.min, now - knownSince));
    return deferred('endpoint_unproven', now + again * (0.5 + Math.random()));
  }

  private endpoint(key: string, now: number): Endpoint {
    const known = this.endpoints.get(key);
    if (known) return known;
    const endpoint = new Endpoint(key, now, this.endpointOptions, this.slowThreshold);
    this.endpoints.set(key, endpoint);
    if (this.endpoints.size > MAX_IDLE) this.forgetSome();
    return endpoint;
  }

  /** Oldest first. A forgotten endpoint is learnt again with its next attempt. */
  private forgetSome(): void {
    for (const [key, endpoint] of this.endpoints) {
      if (this.endpoints.size <= MAX_IDLE * 0.9) return;
      if (endpoint.isForgettable) this.endpoints.delete(key);
    }
  }

  /** Repeated while there are attempts in flight: only then does a callback wait. */
  private review(): void {
    if (this.active.size === 0) {
      clearInterval(this.timer);
      this.timer = undefined;
      return;
    }
    const now = this.clock.now();
    for (const endpoint of this.active) {
      endpoint.review(now);
      const isQuick = endpoint.speed(now) === 'quick';
      for (const permits of Object.values(this.pools)) permits.update(endpoint.key, isQuick);
    }
    for (const pool of ['first', 'retry'] as const) {
      this.endWaits(pool, now);
      this.serve(pool);
    }
  }
}

function deferred(reason: BusyReason, nextAttemptAt: number): Deferral {
  return { kind: 'deferred', reason, nextAttemptAt };
}

/**
 * Identifies an endpoint for isolation: its id with its current URL. Not the origin: of two services on one host,
 * neither may open the circuit of the other. A new URL starts afresh.
 */
function endpointKey(endpointId: string, url: string): string {
  return `${endpointId} ${url}`;
}

/** The endpoint in a key. */
function endpointIdOf(key: string): string {
  return key.slice(0, key.indexOf(' '));
}
