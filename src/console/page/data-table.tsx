import type { ComponentChildren, VNode } from 'preact';

/** The head of a column, where it is more than words. */
export interface Column {
  readonly words: ComponentChildren;
  readonly isNumber?: boolean;
  /** The rows are in its order. */
  readonly sorted?: 'ascending' | 'descending';
}

interface DataTableProps {
  readonly caption: string;
  /** Says in print what the caption would repeat: the heading above the table does. */
  readonly hideCaption?: boolean;
  /** On a narrow screen each row becomes a card, its cells named by `data-label`. */
  readonly cards?: boolean;
  /** Likewise two lines: its state and time, and what happened; `wide-only` cells are left out. */
  readonly lines?: boolean;
  readonly head: readonly (string | VNode | Column)[];
  /** Columns of numbers, where the heads are words alone. */
  readonly numeric?: readonly number[];
  readonly children: ComponentChildren;
}

/** A table that scrolls by itself where it is wider than the screen; a keyboard reaches it too. */
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
