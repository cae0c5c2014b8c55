import helmet from 'helmet';

/**
 * Headers that tell a browser what the answers are not for. Swagger's page works under this policy: its scripts
 * are files of this server. Requests are not upgraded to https: TLS is ended in front of this server, or, on
 * loopback, nowhere.
 */
export function securityHeaders(): ReturnType<typeof helmet> {
  return helmet({
    contentSecurityPolicy: {
      directives: {
        defaultSrc: ["'self'"],
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:'],
        upgradeInsecureRequests: null,
      },
    },
  });
}
