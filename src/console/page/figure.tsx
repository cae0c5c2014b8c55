import type { ComponentChildren } from 'preact';
import type { Tone } from '../words/tone.js';

interface FigureProps {
  readonly name: string;
  readonly value: ComponentChildren;
  readonly note?: string;
  readonly tone?: Tone | undefined;
}

/** One number of a `dl.figures`. */
export const Figure = ({ name, value, note, tone }: FigureProps) => (
  <div class={tone === undefined ? 'figure' : `figure figure-${tone}`}>
    <dt>{name}</dt>
    <dd>
      {value}
      {note !== undefined && <span class="under">{note}</span>}
    </dd>
  </div>
);
