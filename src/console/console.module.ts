import {
  Module,
  type DynamicModule,
  type MiddlewareConsumer,
  type ModuleMetadata,
  type NestModule,
  type Provider,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { partsOfInternals } from '../service-callbacks/internals.js';
import { SetupError } from '../service-callbacks/setup-error.js';
import { AssetsController } from './assets/assets.controller.js';
import { CallbacksController } from './callbacks/callbacks.controller.js';
import { CONSOLE_LINKS, type ConsoleLinks } from './console-links.js';
import { GivenUpController } from './given-up/given-up.controller.js';
import { ReplaysController } from './given-up/replays.controller.js';
import { EndpointController } from './endpoint/endpoint.controller.js';
import { NotFoundController } from './not-found.controller.js';
import { atItsBase } from './paths.js';
import { OverviewController } from './overview/overview.controller.js';
import { SearchController } from './search/search.controller.js';
import { SessionGuard } from './session/session.guard.js';
import { SessionSeal } from './session/session-seal.js';
import { SignInController } from './sign-in/sign-in.controller.js';
import { SignInLimit } from './sign-in/sign-in-limit.js';
import { SignOutController } from './sign-in/sign-out.controller.js';

export { API_SCOPES, type ApiScope, type Caller } from '../http/api-tokens/api-token.js';
export { ConsoleAccess } from './console-access.js';
export type { ConsoleLinks } from './console-links.js';
export { SubjectLookup } from './subject-lookup.js';

export interface ConsoleOptions {
  /** The provider of `ConsoleAccess`. */
  readonly access: Provider;
  /** The provider of `SubjectLookup`. Without it, the search does not find references. */
  readonly subjects?: Provider;
  /** Modules that these providers need. `ServiceCallbacksModule` is global, or among them. */
  readonly imports?: ModuleMetadata['imports'];
  readonly links?: ConsoleLinks;
}

const CONTROLLERS = [
  AssetsController,
  SignInController,
  SignOutController,
  OverviewController,
  SearchController,
  EndpointController,
  CallbacksController,
  GivenUpController,
  ReplaysController,
  // Last: it serves every path that no other controller serves.
  NotFoundController,
];

/**
 * Pages at `/console`, behind the application's global prefix, for operators and service teams. The module works
 * without them.
 */
@Module({})
export class ConsoleModule implements NestModule {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  /**
   * Runs before routes are added.
   * @throws SetupError on Fastify
   */
  configure(consumer: MiddlewareConsumer): void {
    const type = this.adapterHost.httpAdapter.getType();
    if (type !== 'express')
      throw new SetupError([
        `The console needs @nestjs/platform-express, and the application is on ${type}: leave ConsoleModule out, or ` +
          'serve it from an application on Express',
      ]);
    consumer.apply(atItsBase).forRoutes(...CONTROLLERS);
  }

  static forRoot({ access, subjects, imports = [], links = {} }: ConsoleOptions): DynamicModule {
    return {
      module: ConsoleModule,
      imports,
      controllers: [...CONTROLLERS],
      providers: [
        access,
        ...(subjects ? [subjects] : []),
        { provide: CONSOLE_LINKS, useValue: links },
        ...partsOfInternals,
        SessionSeal,
        SessionGuard,
        SignInLimit,
      ],
    };
  }
}
