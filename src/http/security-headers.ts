import type { RequestHandler } from 'express';
import helmet from 'helmet';

/**
 * Headers that restrict what a browser may do with the responses. Swagger's page works under this policy, because its
 * scripts are files of this server. Requests are not upgraded to https: a proxy terminates TLS, or the server is on
 * loopback. No cache keeps responses, because some contain signing secrets.
 */
export function securityHeaders(): RequestHandler {
  const safe = helmet({
    contentSecurityPolicy: {
      directives: {
        defaultSrc: ["'self'"],
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
        upgradeInsecureRequests: null,
      },
    },
  });
  return (request, response, next) => {
    response.set('Cache-Control', 'no-store');
    safe(request, response, next);
  };
}
