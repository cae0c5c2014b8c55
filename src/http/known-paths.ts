import { METHODS } from 'node:http';
import { Injectable, MethodNotAllowedException, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Express, Request, RequestHandler, Response, NextFunction } from 'express';

/** The layers of Express' `router`. Its types do not include them. */
interface Layer {
  readonly route?: { readonly methods: Readonly<Record<string, boolean>> };
  match(path: string): boolean;
}

/** Responds with 405 and `Allow` if a path has routes, but none for the method (RFC 9110 §15.5.6). */
@Injectable()
export class KnownPaths implements OnModuleInit {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  /** Runs after the routes, which are registered by then, and before the 404. */
  onModuleInit(): void {
    const { httpAdapter } = this.adapterHost;
    const { router } = httpAdapter.getInstance<Express>();
    const refuse: RequestHandler = (request: Request, response: Response, next: NextFunction) => {
      const methods = methodsOf(router.stack as unknown as Layer[], request.path);
      if (methods.length === 0) return next();
      response.set('Allow', methods.join(', '));
      next(
        new MethodNotAllowedException(
          `${request.method} is not allowed here; allowed are ${methods.join(', ')}`,
        ),
      );
    };
    httpAdapter.use(refuse);
  }
}

/** In upper case. A route for GET also serves HEAD; a route for every method is middleware. */
function methodsOf(layers: readonly Layer[], path: string): string[] {
  const routes = layers.flatMap((layer) => (layer.route && layer.match(path) ? [layer.route] : []));
  const ofEach = routes.map(({ methods }) => Object.keys(methods));
  const methods = new Set(ofEach.filter(({ length }) => length < METHODS.length).flat());
  if (methods.has('get')) methods.add('head');
  return [...methods].map((method) => method.toUpperCase()).toSorted();
}
