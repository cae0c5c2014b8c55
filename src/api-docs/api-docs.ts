import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import type { RequestHandler } from 'express';

/** `/docs`, its files, and `/docs-json`. */
const PATHS = /^\/docs(-json|-yaml)?(\/|$)/i;

/**
 * Creates the OpenAPI document and its page on the first request. Most processes never serve them, and their
 * dependencies are a fifth of the code that a service would load at its start.
 */
export function apiDocs(app: NestExpressApplication): RequestHandler {
  let docs: Promise<RequestHandler> | undefined;
  return (request, response, next) => {
    if (!PATHS.test(request.path)) return next();
    docs ??= docsOf(app);
    docs.then((handle) => handle(request, response, next), next);
  };
}

async function docsOf(app: NestExpressApplication): Promise<RequestHandler> {
  const { SwaggerModule } = await import('@nestjs/swagger');
  const { openApiDocument } = await import('./openapi-document.js');
  // A route that is added after the application listens comes behind its 404. These routes are on an adapter of their
  // own.
  const adapter = new ExpressAdapter();
  adapter.disable('x-powered-by');
  const ownRoutes = Object.create(app, {
    getHttpAdapter: { value: () => adapter },
    useStaticAssets: { value: adapter.useStaticAssets.bind(adapter) },
  }) as NestExpressApplication;
  SwaggerModule.setup('docs', ownRoutes, () => openApiDocument(app), {
    jsonDocumentUrl: 'docs-json',
    customSiteTitle: 'Service Callbacks API',
    swaggerOptions: { deepLinking: true, displayRequestDuration: true },
  });
  return adapter.getInstance<RequestHandler>();
}
