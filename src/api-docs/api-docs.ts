import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import type { RequestHandler } from 'express';

/** `/docs`, its files, and `/docs-json`. */
const PATHS = /^\/docs(-json|-yaml)?(\/|$)/i;

/**
 * The OpenAPI document and its page, created on the first request: their dependencies are a fifth of all the code that
 * a service would load at its start, and most processes never serve them.
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
  // Routes that an application gets once it listens come after its 404: these are on an adapter of their own.
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
