interface HeaderListProps {
  readonly headers: Readonly<Record<string, string>>;
  readonly label: string;
}

/** Names and values, as HTTP writes them. */
export const HeaderList = ({ headers, label }: HeaderListProps) => (
  <pre class="code" tabIndex={0} role="region" aria-label={label}>
    <code>
      {Object.entries(headers)
        .map(([name, value]) => `${name}: ${value}`)
        .join('\n')}
    </code>
  </pre>
);
