interface CopyProps {
  readonly text: string;
  /** The name of the copied text: `endpoint id`. */
  readonly what: string;
  /** Shows words on the button, where it is the main action. */
  readonly isLarge?: boolean;
}

/** Copies a text to the clipboard. The stylesheet hides it without JavaScript. */
export const Copy = ({ text, what, isLarge = false }: CopyProps) => (
  <button
    type="button"
    class={isLarge ? 'copy button' : 'copy'}
    data-copy={text}
    aria-label={`Copy the ${what}`}
    title={`Copy the ${what}`}
  >
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d="M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z" />
    </svg>
    {isLarge && 'Copy'}
    <span class="copied" role="status" />
  </button>
);
