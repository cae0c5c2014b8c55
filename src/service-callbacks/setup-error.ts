/** The host, its `DataSource` or its database does not meet the module's needs. One message names every fault. */
export class SetupError extends Error {
  override readonly name = 'SetupError';

  /** @param faults each says what is wrong and what to do */
  constructor(readonly faults: readonly string[]) {
    super(['Service callbacks cannot start:', ...faults.map((fault) => `  - ${fault}`)].join('\n'));
  }
}

/** @throws SetupError naming all faults, if there are any */
export function assertNoFaults(faults: readonly string[]): void {
  if (faults.length > 0) throw new SetupError(faults);
}
