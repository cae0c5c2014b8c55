/** What a batch of attempts shows of one endpoint; times are Unix ms. */
export interface HealthChange {
  readonly callbackApiId: string;
  readonly serviceId: string;
  lastSuccessAt: number | null;
  lastFailureAt: number | null;
  lastFailure: string | null;
  /** The first failure after the last success of the batch. */
  failingSince: number | null;
  /** Failures after the last success of the batch; without a success, all of them. */
  failures: number;
}

/** Summarises attempts by endpoint until they are taken. */
export class HealthChanges {
  private changes = new Map<string, HealthChange>();

  constructor(
    private readonly max: number,
    private readonly onDropped: () => void,
  ) {}

  succeeded(callbackApiId: string, serviceId: string, at: number): void {
    const change = this.of(callbackApiId, serviceId);
    if (!change) return;
    change.lastSuccessAt = Math.max(at, change.lastSuccessAt ?? at);
    change.failingSince = null;
    change.failures = 0;
  }

  /** @param failure a status code or an error code */
  failed(callbackApiId: string, serviceId: string, at: number, failure: string): void {
    const change = this.of(callbackApiId, serviceId);
    if (!change) return;
    change.lastFailureAt = Math.max(at, change.lastFailureAt ?? at);
    change.lastFailure = failure;
    change.failingSince = Math.min(at, change.failingSince ?? at);
    change.failures += 1;
  }

  take(): HealthChange[] {
    const taken = [...this.changes.values()];
    this.changes = new Map();
    return taken;
  }

  private of(callbackApiId: string, serviceId: string): HealthChange | undefined {
    const known = this.changes.get(callbackApiId);
    if (known) return known;
    if (this.changes.size >= this.max) {
      this.onDropped();
      return undefined;
    }
    const change = {
      callbackApiId,
      serviceId,
      lastSuccessAt: null,
      lastFailureAt: null,
      lastFailure: null,
      failingSince: null,
      failures: 0,
    };
    this.changes.set(callbackApiId, change);
    return change;
  }
}
