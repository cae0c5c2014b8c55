interface PagerProps {
  /** The address of the first page; null if this is the first page. */
  readonly first: string | null;
  readonly next: string | null;
  readonly what: string;
}

/** Links through a list with a cursor: forward, and back to the beginning. */
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
