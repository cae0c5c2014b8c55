/**
 * SQLSTATE classes and codes that mean "not now": connection exceptions (08), transaction rollback (40), insufficient
 * resources (53), operator intervention such as a shutdown (57), system errors (58), a read-only server (25006), and
 * transaction timeouts (25P03, 25P04).
 */
const NOT_NOW = ['08', '40', '53', '57', '58', '25006', '25P03', '25P04'] as const;

/** Codes of errors that never reached the server. TypeORM releases a query runner whose connection is lost. */
const LOST = /connection terminated|connection error|timeout exceeded|already released/i;

/**
 * Whether the same statement may succeed later, because PostgreSQL or the connection to it failed.
 * @param error a driver's, or TypeORM's around it
 */
export function isStoreFault(error: unknown): boolean {
  const { driverError = error } = (error ?? {}) as { readonly driverError?: unknown };
  const { severity, code, message } = (driverError ?? {}) as Record<string, unknown>;
  // Only the server's own errors have a severity.
  if (typeof severity === 'string') {
    return typeof code === 'string' && NOT_NOW.some((prefix) => code.startsWith(prefix));
  }
  if (typeof code === 'string' && /^E[A-Z]+$/.test(code)) return true;
  return typeof message === 'string' && LOST.test(message);
}
