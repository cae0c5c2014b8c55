import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Clock } from '../clock.js';
import { PeriodicWork } from '../periodically.js';
import type { EndpointHealthOptions } from '../service-callbacks.options.js';
import { ENDPOINT_HEALTH_OPTIONS } from '../tokens.js';
import { WARNING_PERCENTS, type WarningPercent } from '../events/endpoint-change.js';
import { DisablePolicy, MIN_ATTEMPTS } from './disable-policy.js';
import { EndpointChanges } from './endpoint-changes.js';
import { EndpointStateRepository, type FailingEndpoint } from '../endpoints/endpoint-state.repository.js';
import { EndpointSwitch } from './endpoint-switch.js';

/** The interval of reviews, ms: a hundredth of the time after which endpoints are disabled, within these bounds. */
const REVIEW_MS = { min: 250, max: 60_000 } as const;

/**
 * Reads the endpoints that fail, and warns and disables by the policy. It runs in every worker process. If several come
 * to the same result, the database lets only one act on it.
 */
@Injectable()
export class EndpointReview extends PeriodicWork implements OnApplicationBootstrap {
  private readonly policy: DisablePolicy;

  constructor(
    @Inject(ENDPOINT_HEALTH_OPTIONS) { disableAfterMs }: EndpointHealthOptions,
    private readonly states: EndpointStateRepository,
    private readonly endpoints: EndpointSwitch,
    private readonly changes: EndpointChanges,
    private readonly clock: Clock,
  ) {
    super();
    this.policy = new DisablePolicy(disableAfterMs);
  }

  onApplicationBootstrap(): void {
    if (this.policy.disableAfterMs === 0) return;
    const everyMs = Math.min(Math.max(this.policy.disableAfterMs / 100, REVIEW_MS.min), REVIEW_MS.max);
    this.every(everyMs, () => this.review(), {
      event: 'endpoints.unreviewed',
      msg: 'Failing endpoints could not be looked at now',
    });
  }

  /** The endpoints that have failed for longest come first. */
  async review(): Promise<void> {
    for (const recovered of await this.states.clearWarnings()) {
      await this.changes.announce({
        change: 'recovered',
        ...recovered,
        at: new Date(this.clock.now()),
      });
    }
    const now = this.clock.now();
    const minAttempts = (MIN_ATTEMPTS * WARNING_PERCENTS[0]) / 100;
    for (const endpoint of await this.states.failing(new Date(this.policy.latestStart(now)), minAttempts)) {
      await this.judge(endpoint, now);
    }
  }

  private async judge(endpoint: FailingEndpoint, now: number): Promise<void> {
    const result = this.policy.judge(endpoint, now);
    switch (result.kind) {
      case 'nothing':
        return;
      case 'warn':
        return this.warn(endpoint, result.percent, result.disablesAt);
      case 'disable':
        return this.endpoints.failing(endpoint.callbackApiId, endpoint);
    }
  }

  private async warn(
    endpoint: FailingEndpoint,
    percent: WarningPercent,
    disablesAt: Date | null,
  ): Promise<void> {
    const { callbackApiId, failingSince, attempts, lastFailure } = endpoint;
    const warned = await this.states.warn(callbackApiId, failingSince, percent);
    if (!warned) return;
    const failure = { failingSince, attempts, lastFailure };
    const at = new Date(this.clock.now());
    await this.changes.announce({ change: 'warned', ...warned, at, ...failure, percent, disablesAt });
  }
}
