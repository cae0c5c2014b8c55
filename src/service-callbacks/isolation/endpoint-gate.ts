import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../clock.js';
import type { DeliveryOptions } from '../service-callbacks.options.js';
import { DELIVERY_OPTIONS } from '../tokens.js';
import type { CircuitState } from './circuit.js';
import { DeferralSchedule } from './deferral-schedule.js';
import { callbackApiIdOf } from './endpoint-key.js';
import { Endpoint, type EndpointOptions, type Verdict } from './endpoint.js';
import type { Pace } from './pace.js';
import { PaceLimit } from './pace-limit.js';
import { Slots } from './slots.js';

/** Which processor asks: first attempts and later ones have slots of their own. */
export type Lane = 'first' | 'retry';

/** Why a callback is not sent now: nothing was wrong with it. */
export type DeferralReason = 'circuit_open' | 'endpoint_busy' | 'endpoint_unproven' | 'process_busy';

export interface Deferral {
  readonly kind: 'deferred';
  readonly reason: DeferralReason;
  /** When to come back, Unix ms. */
  readonly until: number;
  /**
   * Back to its own queue for a while, out of any line: its endpoint has not answered yet, and most do
   * within a moment. Nothing is known against it, and a backlog that a new process finds is not a flood.
   */
  readonly briefly: boolean;
}

export interface Permit {
  readonly kind: 'admitted';
  /** Must be called once, whatever happens. */
  release(verdict: Verdict | 'not_made'): void;
}

export type Admission = Permit | Deferral;

export interface OpenCircuit {
  readonly callbackApiId: string;
  readonly state: Exclude<CircuitState, 'closed'>;
  /** Unix ms; null where an attempt is let through. */
  readonly until: number | null;
}

/** The parts of the deadline within which an answer is never slow, and after which it always is. */
const SLOW_SHARE = 2 / 5;
const ALWAYS_SLOW_SHARE = 9 / 10;
/** How often attempts in flight are looked at, ms. */
const REVIEW_MS = 250;
/** Where no slot is to be had, come back after so long, ms. */
const BUSY_MS = 1_000;
/**
 * Behind an endpoint whose first answer is still out, come back after as long again as it has been, within these
 * (ms), times ½ to 1½, so that they do not come back as one. Each time costs the queue, and a hundred endpoints that have no slot to answer from would cost it dearly.
 */
const UNPROVEN_MS = { min: 400, max: 5_000 } as const;
/** Idle endpoints remembered at most. */
const MAX_IDLE = 20_000;

/**
 * What one endpoint may take from the others (R17): hanging, dripping, failing or flooding, it gets no more
 * than what the rest can spare. State is per process: each learns within one deadline by itself.
 */
@Injectable()
export class EndpointGate implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly endpoints = new Map<string, Endpoint>();
  private readonly active = new Set<Endpoint>();
  private readonly lanes: Readonly<Record<Lane, Slots>>;
  private readonly schedule = new DeferralSchedule();
  private readonly endpointOptions: EndpointOptions;
  private readonly limit: PaceLimit;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(DELIVERY_OPTIONS) options: DeliveryOptions,
    private readonly clock: Clock,
  ) {
    this.lanes = { first: new Slots(options.concurrency), retry: new Slots(options.retryConcurrency) };
    this.endpointOptions = {
      failures: options.circuitFailures,
      openMs: options.circuitOpenMs,
      concurrency: options.endpointConcurrency,
    };
    this.limit = new PaceLimit({
      slowAfterMs: options.timeoutMs * SLOW_SHARE,
      alwaysSlowAfterMs: options.timeoutMs * ALWAYS_SLOW_SHARE,
    });
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.review(), REVIEW_MS);
    this.timer.unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** Whether an attempt would be turned away now, without asking for one: cheap, for whoever has to prepare first. */
  peek(key: string, lane: Lane): Deferral | undefined {
    const now = this.clock.now();
    // Remembered from here on: how long it has been without an answer counts from the first time it was asked for.
    const endpoint = this.endpoint(key, now);
    const circuit = endpoint.circuit.peek(now);
    if (circuit.kind === 'open') return this.defer(key, 'circuit_open', circuit.until, now);
    const pace = endpoint.pace(now);
    if (!this.lanes[lane].hasRoomFor(key, pace)) return this.noRoom(endpoint, pace, now);
    const mayGo = circuit.kind === 'probe' || endpoint.hasRoom(now) || pace !== 'slow';
    return mayGo ? undefined : this.busy(endpoint, now);
  }

  /** Waits only for the window of an endpoint that is not slow. */
  admit(key: string, lane: Lane): Admission | Promise<Admission> {
    const now = this.clock.now();
    const endpoint = this.endpoint(key, now);
    const slots = this.lanes[lane];
    const pace = endpoint.pace(now);
    if (!slots.hasRoomFor(key, pace)) return this.noRoom(endpoint, pace, now);
    const answer = endpoint.circuit.ask(now);
    if (answer.kind === 'open') return this.defer(key, 'circuit_open', answer.until, now);
    this.active.add(endpoint);
    slots.take(key);
    if (endpoint.hasRoom(now) || answer.kind === 'probe')
      return this.permit(endpoint, slots, answer.kind === 'probe', now);
    return this.wait(endpoint, slots);
  }

  /** Attempts held per lane, waiting ones included. */
  inUse(lane: Lane): number {
    return this.lanes[lane].inUse;
  }

  /** How many of the endpoints this process remembers have their circuit in each state. */
  circuits(): Record<CircuitState, number> {
    const now = this.clock.now();
    const counts = { closed: 0, open: 0, half_open: 0 };
    for (const endpoint of this.endpoints.values()) counts[endpoint.circuit.state(now)] += 1;
    return counts;
  }

  /** Those that are not closed, some of them where there are more. @param limit how many at most */
  openCircuits(limit: number): OpenCircuit[] {
    const now = this.clock.now();
    const found: OpenCircuit[] = [];
    for (const { key, circuit } of this.endpoints.values()) {
      if (found.length >= limit) break;
      const state = circuit.state(now);
      if (state === 'closed') continue;
      const peeked = circuit.peek(now);
      const until = state === 'open' && peeked.kind === 'open' ? peeked.until : null;
      found.push({ callbackApiId: callbackApiIdOf(key), state, until });
    }
    return found;
  }

  private permit(endpoint: Endpoint, slots: Slots, isProbe: boolean, now: number): Permit {
    const attempt = endpoint.start(now);
    return {
      kind: 'admitted',
      release: (verdict) => {
        slots.giveBack(endpoint.key);
        if (verdict === 'not_made') {
          if (isProbe) endpoint.circuit.abandonProbe();
          endpoint.abandon(attempt, this.clock.now());
        } else {
          endpoint.finish(attempt, verdict, this.clock.now());
        }
        if (!endpoint.isActive) this.active.delete(endpoint);
      },
    };
  }

  private async wait(endpoint: Endpoint, slots: Slots): Promise<Admission> {
    const { promise, resolve } = Promise.withResolvers<Admission>();
    endpoint.wait((go) => {
      const now = this.clock.now();
      if (go) {
        resolve(this.permit(endpoint, slots, false, now));
        return;
      }
      slots.giveBack(endpoint.key);
      resolve(this.busy(endpoint, now));
    });
    // Whoever became slow since its last attempt ended is told at once.
    endpoint.review(this.clock.now());
    return promise;
  }

  private busy({ key }: Endpoint, now: number): Deferral {
    return this.defer(key, 'endpoint_busy', now + BUSY_MS, now);
  }

  private noRoom({ key, knownSince }: Endpoint, pace: Pace, now: number): Deferral {
    if (pace !== 'unknown') return this.defer(key, 'process_busy', now + BUSY_MS, now);
    const again = Math.min(UNPROVEN_MS.max, Math.max(UNPROVEN_MS.min, now - knownSince));
    const until = Math.ceil(now + again * (0.5 + Math.random()));
    return { kind: 'deferred', reason: 'endpoint_unproven', until, briefly: true };
  }

  private defer(key: string, reason: DeferralReason, earliest: number, now: number): Deferral {
    return { kind: 'deferred', reason, until: this.schedule.next(key, earliest, now), briefly: false };
  }

  private endpoint(key: string, now: number): Endpoint {
    const known = this.endpoints.get(key);
    if (known) return known;
    const endpoint = new Endpoint(key, now, this.endpointOptions, this.limit);
    this.endpoints.set(key, endpoint);
    if (this.endpoints.size > MAX_IDLE) this.forgetSome();
    return endpoint;
  }

  /** Oldest first; what it forgets is learnt again with the next attempt. */
  private forgetSome(): void {
    for (const [key, endpoint] of this.endpoints) {
      if (this.endpoints.size <= MAX_IDLE * 0.9) return;
      if (endpoint.isForgettable) this.endpoints.delete(key);
    }
  }

  private review(): void {
    const now = this.clock.now();
    for (const endpoint of this.active) endpoint.review(now);
  }
}
