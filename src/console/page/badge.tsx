import type { ComponentChildren } from 'preact';
import { ToneIcon } from './icons.js';
import type { Tone } from '../words/tone.js';

interface BadgeProps {
  readonly tone: Tone;
  readonly children: ComponentChildren;
}

/** A state in a word, with a shape and a colour. */
export const Badge = ({ tone, children }: BadgeProps) => (
  <span class={`badge badge-${tone}`}>
    <ToneIcon tone={tone} />
    {children}
  </span>
);

/** A state with a link to its subject. */
export const BadgeLink = ({ href, ...badge }: BadgeProps & { readonly href: string }) => (
  <a class="badge-link" href={href}>
    <Badge {...badge} />
  </a>
);
