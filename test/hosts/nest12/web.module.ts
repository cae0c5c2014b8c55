import { ExpressAdapter } from '@bull-board/express';
import { BullBoardModule } from '@bull-board/nestjs';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { Controller, Get, Module, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { CALLBACK_QUEUES, ServiceCallbacksHealth } from 'service-callbacks';
import { API_SCOPES, ConsoleAccess, ConsoleModule, type Caller } from 'service-callbacks/console';
import { HostModule } from './app/host.module.js';

export const API_KEY = 'a-key-of-the-host';

class ApiKeyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.switchToHttp().getRequest().headers['x-api-key'] === API_KEY;
  }
}

class HostAccess implements ConsoleAccess {
  readonly areRequired = false;

  callerOf(): Promise<Caller> {
    return Promise.resolve({ scopes: new Set(API_SCOPES) });
  }
}

@Controller('health')
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly callbacks: ServiceCallbacksHealth,
  ) {}

  @Get()
  @HealthCheck()
  check() {
    return this.health.check([() => this.callbacks.check()]);
  }
}

const board = (name: string) => ({ name, adapter: BullMQAdapter, options: { readOnlyMode: true } });

/** The process that serves; another one delivers. */
@Module({
  imports: [
    HostModule.forRoot({ processors: false }),
    ConsoleModule.forRoot({ access: { provide: ConsoleAccess, useClass: HostAccess } }),
    TerminusModule,
    BullBoardModule.forRoot({ route: '/queues', adapter: ExpressAdapter }),
    BullBoardModule.forFeature(board(CALLBACK_QUEUES.main), board(CALLBACK_QUEUES.retry)),
  ],
  controllers: [HealthController],
  providers: [{ provide: APP_GUARD, useClass: ApiKeyGuard }],
})
export class WebModule {}
