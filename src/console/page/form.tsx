import type { ComponentChildren, JSX } from 'preact';
import { CSRF_FIELD } from '../session/same-origin.js';

interface PostFormProps {
  readonly action: string;
  readonly csrf: string;
  readonly class?: string;
  readonly children: ComponentChildren;
}

/** A form that changes something, with the synchroniser token of the session. */
export const PostForm = ({ action, csrf, children, class: className }: PostFormProps) => (
  <form method="post" action={action} class={className}>
    <input type="hidden" name={CSRF_FIELD} value={csrf} />
    {children}
  </form>
);

type ButtonProps = JSX.IntrinsicElements['button'] & {
  readonly kind?: 'primary' | 'danger' | 'plain';
  /** At the other end of its row. */
  readonly isApart?: boolean;
};

export const Button = ({ kind = 'plain', isApart = false, children, ...rest }: ButtonProps) => (
  <button type="submit" {...rest} class={`button button-${kind}${isApart ? ' apart' : ''}`}>
    {children}
  </button>
);
