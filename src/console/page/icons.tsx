import type { Tone } from '../words/tone.js';

/** A shape for each tone, so that no state is shown by colour only. */
const SHAPES: Readonly<Record<Tone, string>> = {
  good: 'M3 8.5 6.5 12 13 4.5',
  bad: 'M4 4l8 8M12 4l-8 8',
  warn: 'M8 3v6.5M8 12.2v.3',
  idle: 'M5.5 4v8M10.5 4v8',
  plain: 'M3.5 8h9',
};

export const ToneIcon = ({ tone }: { readonly tone: Tone }) => (
  <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
    <path d={SHAPES[tone]} />
  </svg>
);
