/** Bytes, one character each, with the position of each (and of the end) in the bytes that they were made from. */
export interface View {
  readonly text: string;
  readonly origins: readonly number[];
}

/** A way to escape characters. An escape that is cut off at the end is ignored. */
interface Escape {
  readonly pattern: RegExp;
  readonly unescape: (escaped: string) => string;
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

const ESCAPES: readonly Escape[] = [
  // URL: one byte each.
  {
    pattern: /%[\da-f]{2}|%[\da-f]?$/gi,
    unescape: (escaped) =>
      escaped.length < 3 ? '' : String.fromCharCode(Number.parseInt(escaped.slice(1), 16)),
  },
  // JSON: a surrogate pair is one character.
  {
    pattern:
      /\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|\\u[\da-fA-F]{4}|\\["\\/bfnrt]|\\(?:u[\da-fA-F]{0,3})?$/g,
    unescape: (escaped) =>
      /^\\(?:u.{0,3})?$/.test(escaped) ? '' : bytesOf(JSON.parse(`"${escaped}"`) as string),
  },
  // Base64 in lines: MIME (RFC 2045 §6.8), and the default of some languages.
  { pattern: /[\r\n]+/g, unescape: () => '' },
  // HTML and XML.
  {
    pattern: /&(?:amp|lt|gt|quot|apos|#\d{1,7}|#[xX][\da-fA-F]{1,6});|&#?\w{0,8}$/g,
    unescape: (escaped) => (escaped.endsWith(';') ? bytesOf(entity(escaped.slice(1, -1))) : ''),
  },
];

/** Servers nest at most two escapes: JSON in JSON, or in a URL. */
const MAX_DEPTH = 2;

/** The bytes unchanged, and every form that they may be an escape of. */
export function viewsOf(bytes: Buffer): readonly View[] {
  const text = bytes.toString('latin1');
  let views: readonly View[] = [
    { text, origins: Array.from({ length: text.length + 1 }, (_, index) => index) },
  ];
  const all = [...views];
  for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
    views = views.flatMap((view) => ESCAPES.flatMap((escape) => unescaped(view, escape)));
    all.push(...views);
  }
  return all;
}

/** The UTF-8 of a text, one character a byte. */
export function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** @returns undefined if nothing is escaped */
function unescaped({ text, origins }: View, { pattern, unescape }: Escape): readonly View[] {
  const parts: string[] = [];
  const found: number[] = [];
  let end = 0;
  const keepUntil = (at: number): void => {
    parts.push(text.slice(end, at));
    found.push(...origins.slice(end, at));
  };
  for (const match of text.matchAll(pattern)) {
    keepUntil(match.index);
    const bytes = unescape(match[0]);
    parts.push(bytes);
    const origin = origins[match.index] ?? 0;
    for (let n = 0; n < bytes.length; n += 1) found.push(origin);
    end = match.index + match[0].length;
  }
  if (end === 0) return [];
  keepUntil(text.length);
  found.push(origins.at(-1) ?? 0);
  return [{ text: parts.join(''), origins: found }];
}

function entity(name: string): string {
  const code =
    name.startsWith('#x') || name.startsWith('#X')
      ? Number.parseInt(name.slice(2), 16)
      : Number(name.slice(1));
  return NAMED[name] ?? String.fromCodePoint(code <= 0x10_ff_ff ? code : 0xff_fd);
}
