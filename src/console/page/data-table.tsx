import type { ComponentChildren, VNode } from 'preact';

/** The head of a column, if it is more than words. */
export interface Column {
  readonly words: ComponentChildren;
  readonly isNumber?: boolean;
  /** The rows are sorted by this column. */
  readonly sorted?: 'ascending' | 'descending';
}

interface DataTableProps {
  readonly caption: string;
  /** Hides the caption on the page, if the heading above the table says the same. */
  readonly hideCaption?: boolean;
  /** On a narrow screen each row becomes a card, its cells named by `data-label`. */
  readonly cards?: boolean;
  /** Likewise, but two lines: state and time, then the events; `wide-only` cells are left out. */
  readonly lines?: boolean;
  readonly head: readonly (string | VNode | Column)[];
  /** Columns of numbers, if the heads are only words. */
  readonly numeric?: readonly number[];
  readonly children: ComponentChildren;
}

/** A table that scrolls by itself if it is wider than the screen, also by keyboard. */
export const DataTable = ({ caption, head, children, ...looks }: DataTableProps) => (
  <div class="table-scroll" role="region" aria-label={caption} tabIndex={0}>
    <table class={looks.cards ? 'cards' : looks.lines ? 'lines' : undefined}>
      <caption class={looks.hideCaption ? 'visually-hidden' : undefined}>{caption}</caption>
      <thead>
        <tr>
          {head
            .map((column) => (typeof column === 'object' && 'words' in column ? column : { words: column }))
            .map(({ words, sorted, isNumber }: Column, index) => (
              <th
                key={index}
                scope="col"
                class={(isNumber ?? looks.numeric?.includes(index)) ? 'number' : undefined}
                aria-sort={sorted}
              >
                {words}
              </th>
            ))}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  </div>
);
