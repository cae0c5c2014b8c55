import type { RequestHandler } from 'express';
import helmet from 'helmet';

/**
 * Headers that tell a browser what the answers are not for. Swagger's page works under this policy: its scripts
 * are files of this server. Requests are not upgraded to https: TLS is ended in front of this server, or, on
 * loopback, nowhere. Nothing is kept on the way: there are signing secrets among the answers.
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
