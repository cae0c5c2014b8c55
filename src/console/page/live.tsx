import type { ComponentChildren } from 'preact';

interface LiveProps {
  readonly id: string;
  /** The address from which it is refreshed; undefined: it is not refreshed. */
  readonly address: string | undefined;
  /** Seconds between two refreshes. Default 15. */
  readonly everySeconds?: number;
  readonly children: ComponentChildren;
}

/** The message of a failed refresh is shown above the last content. */
const PROBLEM = 'select:#problem target:#unavailable swap:innerHTML';

/**
 * A part of a page that refreshes itself as a whole: figures that are newer than the list below would contradict it.
 * What is open, typed or focused stays, and so does what is {@link Lasting}. If a refresh fails (the database is
 * unavailable, the record is deleted), a message above the last content says so.
 */
export const Live = ({ id, address, everySeconds = 15, children }: LiveProps) => (
  <div
    id={id}
    class="live"
    {...(address !== undefined && {
      'hx-get': address,
      'hx-trigger': `every ${everySeconds}s`,
      'hx-select': `#${id}`,
      'hx-target': 'this',
      'hx-swap': 'outerMorph',
      'hx-status:40x': PROBLEM,
      'hx-status:42x': PROBLEM,
      'hx-status:50x': PROBLEM,
    })}
  >
    <div id="unavailable" class="unavailable" role="alert" />
    {children}
  </div>
);

interface LastingProps {
  readonly id: string;
  readonly children: ComponentChildren;
}

/** The result of an action: it stays until the page is left. */
export const Lasting = ({ id, children }: LastingProps) => (
  <div id={id} aria-live="polite" {...{ 'hx-morph-skip': true }}>
    {children}
  </div>
);
