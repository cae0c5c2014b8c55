import { shortId } from '../words/ids.js';
import { Copy } from './copy.js';

interface IdProps {
  readonly id: string;
  /** What the id belongs to: `callback`. */
  readonly what: string;
  /** Its page. */
  readonly href?: string | undefined;
  /** Shows the whole id. */
  readonly isWhole?: boolean;
}

/** An id, short enough for a table and long enough for the search; the button copies the whole id. */
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
