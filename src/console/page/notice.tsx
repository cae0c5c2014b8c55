import type { ComponentChildren } from 'preact';
import { ToneIcon } from './icons.js';
import type { Tone } from '../words/tone.js';

interface NoticeProps {
  readonly tone: Tone;
  readonly title: string;
  readonly id?: string;
  readonly children?: ComponentChildren;
}

/** What has just happened, or what a person must know first. */
export const Notice = ({ tone, title, id, children }: NoticeProps) => (
  <div class={`notice notice-${tone}`} role={tone === 'bad' ? 'alert' : 'status'} id={id}>
    <ToneIcon tone={tone} />
    <div>
      <p class="notice-title">{title}</p>
      {children}
    </div>
  </div>
);

/** An empty list says why it is empty, and what to do. */
export const Empty = ({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: ComponentChildren;
}) => (
  <div class="empty">
    <p class="empty-title">{title}</p>
    {children}
  </div>
);
