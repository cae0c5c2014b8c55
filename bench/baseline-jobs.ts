export const BASELINE_QUEUE = 'bench-baseline';

/** What a plain worker needs, unencrypted. */
export interface BaselineJob {
  readonly url: string;
  readonly token: string;
  readonly body: string;
}

/** Prints, for the bench, that work has begun. */
export function announce(): void {
  console.log(JSON.stringify({ event: 'service.listening' }));
}
