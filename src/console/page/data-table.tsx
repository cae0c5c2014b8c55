import type { ComponentChildren } from 'preact';

interface DataTableProps {
  readonly caption: string;
  /** Says in print what the caption would repeat: the heading above the table does. */
  readonly hideCaption?: boolean;
  /** On a narrow screen each row becomes a card, its cells named by `data-label`. */
  readonly cards?: boolean;
  /** Likewise two lines: its state and time, and what happened; `wide-only` cells are left out. */
  readonly lines?: boolean;
  readonly head: readonly ComponentChildren[];
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
          {head.map((words, index) => (
            <th key={index} scope="col" class={looks.numeric?.includes(index) ? 'number' : undefined}>
              {words}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  </div>
);
