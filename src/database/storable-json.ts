/** In JSON: what PostgreSQL's text does not take. May see one where there is none (`\\u0000` in a text); no harm is done. */
const UNSTORABLE = /\\u(?:0000|d[89a-f])/i;

/** JSON that PostgreSQL takes, whatever the texts in it are: NUL is left out, halves of characters become U+FFFD. */
export function storableJson(value: unknown): string {
  const json = JSON.stringify(value);
  if (!UNSTORABLE.test(json)) return json;
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === 'string' ? item.replaceAll('\0', '').toWellFormed() : item,
  );
}
