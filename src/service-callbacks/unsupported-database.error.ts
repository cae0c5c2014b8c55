export class UnsupportedDatabaseError extends Error {
  constructor(type: string) {
    super(
      `The DataSource is of type ${type}: service callbacks need PostgreSQL. ` +
        'Name another one with the `dataSource` extra of ServiceCallbacksModule.forRoot.',
    );
    this.name = 'UnsupportedDatabaseError';
  }
}
