import pg from 'pg';

type Parser = (text: string) => unknown;

const toNumber: Parser = Number;
const toJson: Parser = (text) => JSON.parse(text) as unknown;
/** Differs from the types of `pg`. */
const arrays = pg.types.arrayParser as unknown as {
  create(text: string, entry: Parser): { parse(): unknown[] };
};
const toTexts: Parser = (text) => arrays.create(text, String).parse();

/** PostgreSQL's type numbers of the values that `pg` does not return as text. */
const PARSERS: ReadonlyMap<number, Parser> = new Map([
  [pg.types.builtins.BOOL, (text: string) => text === 't'],
  [pg.types.builtins.INT2, toNumber],
  [pg.types.builtins.INT4, toNumber],
  [pg.types.builtins.OID, toNumber],
  [pg.types.builtins.FLOAT4, toNumber],
  [pg.types.builtins.FLOAT8, toNumber],
  [pg.types.builtins.JSON, toJson],
  [pg.types.builtins.JSONB, toJson],
  // text[] and bigint[]
  [1009, toTexts],
  [1016, toTexts],
]);

/** Parsers for the queue's own connections, so that the parsers of a host's process do not matter. */
export const ownTypeParsers = {
  getTypeParser: (oid: number) => PARSERS.get(oid) ?? String,
};
