/**
 * SQLSTATE classes and codes that say "not now" rather than "not this": connection exceptions (08), rolled back
 * to resolve a conflict (40), out of memory, disk or connections (53), shutting down, starting, or out of time
 * (57), the system's own errors (58), a server that has become read-only (25006), and a transaction that was idle
 * (25P03) or took (25P04) for too long.
 */
const NOT_NOW = ['08', '40', '53', '57', '58', '25006', '25P03', '25P04'] as const;

/** What never reached the server. TypeORM releases a query runner whose connection is lost in a transaction. */
const LOST = /connection terminated|connection error|timeout exceeded|already released/i;

/**
 * Whether the same statement may well succeed later, because what failed was PostgreSQL or the way to it.
 * @param error a driver's, or TypeORM's around it
 */
export function isStoreFault(error: unknown): boolean {
  const { driverError = error } = (error ?? {}) as { readonly driverError?: unknown };
  const { severity, code, message } = (driverError ?? {}) as Record<string, unknown>;
  // The server's own errors have a severity; what never reached it has not.
  if (typeof severity === 'string') {
    return typeof code === 'string' && NOT_NOW.some((prefix) => code.startsWith(prefix));
  }
  if (typeof code === 'string' && /^E[A-Z]+$/.test(code)) return true;
  return typeof message === 'string' && LOST.test(message);
}
