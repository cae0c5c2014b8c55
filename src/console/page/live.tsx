import type { ComponentChildren } from 'preact';

interface LiveProps {
  readonly id: string;
  /** Where it is found again. */
  readonly address: string;
  readonly children: ComponentChildren;
}

/**
 * A part of a page that keeps itself up to date, in all its parts: figures that are newer than the list below
 * contradict it. What is open, typed or has the focus stays so, and so does what is {@link Lasting}. Where the
 * database is away, that is said above what was last known.
 */
export const Live = ({ id, address, children }: LiveProps) => (
  <div
    id={id}
    hx-get={address}
    hx-trigger="every 15s"
    hx-select={`#${id}`}
    hx-target="this"
    hx-swap="outerMorph"
    {...{ 'hx-status:503': 'select:#problem target:#away swap:innerHTML' }}
  >
    <div id="away" class="away" role="alert" />
    {children}
  </div>
);

interface LastingProps {
  readonly id: string;
  readonly children: ComponentChildren;
}

/** What an action came to: said once, it stays until the page is left. */
export const Lasting = ({ id, children }: LastingProps) => (
  <div id={id} aria-live="polite" {...{ 'hx-morph-skip': true }}>
    {children}
  </div>
);
