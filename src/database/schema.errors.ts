export class OutdatedSchemaError extends Error {
  constructor(parts: readonly string[], cause?: unknown) {
    super(
      `The database is not up to date: ${parts.join('; ')}. ` +
        'Run `npm run migration:run`, or start with MIGRATE_ON_START=true.',
      { cause },
    );
    this.name = 'OutdatedSchemaError';
  }
}

export class NoSchemaError extends Error {
  /** @param path of the connection */
  constructor(path: string) {
    super(
      `No schema of the database's search_path (${path}) exists, so that there is none to make tables in. Set it for ` +
        'the database or its user: ALTER DATABASE … SET search_path = public.',
    );
    this.name = 'NoSchemaError';
  }
}
