import {
  Controller,
  Get,
  Inject,
  UseFilters,
  Catch,
  ServiceUnavailableException,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { HealthCheckService, HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { Public } from '../http/access.decorators.js';
import { z } from 'zod';
import { Operation, OperationsOf } from '../http/operation.decorator.js';
import type { Response } from 'express';

const partsView = z.record(
  z.string(),
  z.strictObject({
    status: z.enum(['up', 'down']),
    message: z
      .string()
      .meta({ examples: ['no response within 2000 ms'] })
      .optional(),
  }),
);

const readinessView = z.strictObject({
  status: z.enum(['ok', 'error', 'shutting_down']),
  info: partsView.meta({ description: 'The parts that work' }),
  error: partsView.meta({ description: 'The parts that do not' }),
  details: partsView.meta({ description: 'All of them' }),
});

/** A part that must work before this process gets traffic. */
export interface ReadinessCheck {
  /** The name of the part in the response. */
  readonly name: string;
  /**
   * Takes at most 2 s.
   * @throws with the reason, in words, why the part is not ready
   */
  check(): Promise<void>;
}

/** All readiness checks; the application composes the list. */
export const READINESS_CHECKS = Symbol('READINESS_CHECKS');

/** Responds to a failed health check with its result, which names the parts, instead of the API's error shape. */
@Catch(ServiceUnavailableException)
class UnhealthyFilter implements ExceptionFilter<ServiceUnavailableException> {
  catch(error: ServiceUnavailableException, host: ArgumentsHost): void {
    host.switchToHttp().getResponse<Response>().status(error.getStatus()).json(error.getResponse());
  }
}

@Public()
@OperationsOf('Operations')
@UseFilters(UnhealthyFilter)
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    @Inject(READINESS_CHECKS) private readonly checks: readonly ReadinessCheck[],
  ) {}

  @Get('live')
  @Operation({
    summary: 'Whether the process responds',
    status: 200,
    response: z.strictObject({ status: z.literal('ok') }),
  })
  live() {
    return { status: 'ok' };
  }

  @Get('ready')
  @Operation({
    summary: 'Whether every part works',
    status: 200,
    response: readinessView,
    errors: { 503: readinessView.describe('Some part does not work, or the process stops') },
  })
  ready() {
    return this.health.check(this.checks.map((check) => () => this.run(check)));
  }

  private async run(part: ReadinessCheck): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check(part.name);
    try {
      await part.check();
      return indicator.up();
    } catch (error) {
      return indicator.down(error instanceof Error ? error.message : String(error));
    }
  }
}
