import { types } from 'pg';

type Parser = (text: string) => unknown;

/** `pg`'s own types know numbers of built-in types only. */
const parsers = types as unknown as {
  readonly builtins: Readonly<Record<string, number>>;
  getTypeParser(oid: number, format: 'text'): Parser;
  setTypeParser(oid: number, parser: Parser): void;
};

/** Arrays of bool, int2, int4, text, varchar, int8, float8, timestamp, timestamptz, numeric, jsonb, uuid. */
const ARRAYS = [1000, 1005, 1007, 1009, 1015, 1016, 1022, 1115, 1185, 1231, 3807, 2951];

/**
 * Makes `pg` return PostgreSQL's text for all types, as many applications do for some of them.
 * @returns a function that undoes it
 */
export function readEverythingAsText(): () => void {
  const oids = [...Object.values(parsers.builtins), ...ARRAYS];
  const before = oids.map((oid) => [oid, parsers.getTypeParser(oid, 'text')] as const);
  for (const oid of oids) parsers.setTypeParser(oid, (text) => text);
  return () => {
    for (const [oid, parser] of before) parsers.setTypeParser(oid, parser);
  };
}
