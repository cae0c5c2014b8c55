/**
 * Writes the table of environment variables into its page, between two markers. With `--check` it only fails if the
 * table is stale.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { configurationTable } from './setting-docs.js';

const PAGE = 'docs/configuration.md';
const START = '<!-- configuration:start -->';
const END = '<!-- configuration:end -->';

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

const page = await readFile(PAGE, 'utf8').catch(() =>
  fail(`There is no ${PAGE} in the working directory: run this from the project's root.`),
);
const start = page.indexOf(START);
const end = page.indexOf(END);
if (start < 0 || end < start) fail(`${PAGE} must hold ${START} and, after it, ${END}.`);

// Formatted by prettier, so that a fresh table never fails the format check.
const options = { ...(await resolveConfig(PAGE)), filepath: PAGE };
const table = await format(configurationTable(), options);
const updated = `${page.slice(0, start)}${START}\n\n${table}\n${page.slice(end)}`;
if (updated === page) console.log(`The configuration table in ${PAGE} is up to date.`);
else if (process.argv.includes('--check')) {
  fail(`The configuration table in ${PAGE} is stale: run scripts/configuration-table.ts.`);
} else {
  await writeFile(PAGE, updated);
  console.log(`The configuration table in ${PAGE} was written.`);
}
