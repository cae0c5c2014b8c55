interface PagerProps {
  /** Of the first page; null where this is it. */
  readonly first: string | null;
  readonly next: string | null;
  readonly what: string;
}

/** Through a list by cursor: forward, and back to its beginning. */
export const Pager = ({ first, next, what }: PagerProps) =>
  first === null && next === null ? null : (
    <nav class="pager" aria-label={`Pages of ${what}`}>
      {first !== null && (
        <a class="button" href={first}>
          Newest
        </a>
      )}
      {next !== null && (
        <a class="button" href={next} rel="next">
          Older
        </a>
      )}
    </nav>
  );
