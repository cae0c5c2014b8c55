/**
 * Matches JSON that PostgreSQL's text cannot hold. It may match a text without such characters (`\\u0000` written out),
 * which does no harm.
 */
const UNSTORABLE = /\\u(?:0000|d[89a-f])/i;

/** JSON that PostgreSQL can store: NUL is left out, and halves of surrogate pairs become U+FFFD. */
export function storableJson(value: unknown): string {
  const json = JSON.stringify(value);
  if (!UNSTORABLE.test(json)) return json;
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'string' ? item.replaceAll('\0', '').toWellFormed() : item,
  );
}
