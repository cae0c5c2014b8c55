export const BASELINE_QUEUE = 'bench-baseline';

/** What a plain worker needs: nothing is encrypted. */
export interface BaselineJob {
  readonly url: string;
  readonly token: string;
  readonly body: string;
}

/** Says on standard output, which the bench reads, that work has begun. */
export function announce(): void {
  console.log(JSON.stringify({ event: 'service.listening' }));
}
