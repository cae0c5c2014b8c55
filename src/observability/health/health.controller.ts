import { Controller, Get, Inject, UseFilters } from '@nestjs/common';
import { HealthCheckService, HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { Public } from '../../http/public.decorator.js';
import { READINESS_CHECKS, type ReadinessCheck } from './readiness-check.js';
import { UnhealthyFilter } from './unhealthy.filter.js';

/** A part that has not answered by then is not ready, ms. */
const CHECK_TIMEOUT_MS = 2_000;

@Public()
@UseFilters(UnhealthyFilter)
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    @Inject(READINESS_CHECKS) private readonly checks: readonly ReadinessCheck[],
  ) {}

  /** The process answers. */
  @Get('live')
  live() {
    return { status: 'ok' };
  }

  /** Every part works; 503 names those that do not. */
  @Get('ready')
  ready() {
    return this.health.check(this.checks.map((check) => () => this.run(check)));
  }

  private async run(part: ReadinessCheck): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check(part.name);
    try {
      await inTime(part.check());
      return indicator.up();
    } catch (error) {
      return indicator.down(error instanceof Error ? error.message : String(error));
    }
  }
}

async function inTime(check: Promise<void>): Promise<void> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    timeout.reject(new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`));
  }, CHECK_TIMEOUT_MS);
  try {
    await Promise.race([check, timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}
