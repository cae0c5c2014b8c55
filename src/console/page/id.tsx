import { shortId } from '../words/ids.js';
import { Copy } from './copy.js';

interface IdProps {
  readonly id: string;
  /** What it is the id of: `callback`. */
  readonly what: string;
  /** Its page. */
  readonly href?: string | undefined;
  /** Shows all of it. */
  readonly isWhole?: boolean;
}

/** An id, short enough for a table and long enough to be found by; the button copies all of it. */
export const Id = ({ id, what, href, isWhole = false }: IdProps) => {
  const code = (
    <code class="id" title={id}>
      {isWhole ? id : shortId(id)}
    </code>
  );
  return (
    <span class="id-with-copy">
      {href === undefined ? code : <a href={href}>{code}</a>}
      <Copy text={id} what={`${what} id`} />
    </span>
  );
};
