export class OutdatedSchemaError extends Error {
  constructor(parts: readonly string[]) {
    super(
      `The database is not up to date: ${parts.join('; ')}. ` +
        'Run `npm run migration:run`, or start with MIGRATE_ON_START=true.',
    );
    this.name = 'OutdatedSchemaError';
  }
}
