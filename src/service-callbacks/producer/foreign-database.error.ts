export class ForeignDatabaseError extends Error {
  constructor(theirs: string, ours: string) {
    super(
      `The manager passed to the producer is on another database (${theirs}) than service callbacks (${ours}): ` +
        'the two could not commit together. Pass a manager of the same database, or none.',
    );
    this.name = 'ForeignDatabaseError';
  }
}
