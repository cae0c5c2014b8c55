/**
 * Writes the table of environment variables into README.md, between its two markers. With `--check` it only
 * says whether the table there is the one the code has, and fails if not.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { configurationTable } from './setting-docs.js';

const README = 'README.md';
const START = '<!-- configuration:start -->';
const END = '<!-- configuration:end -->';

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

const readme = await readFile(README, 'utf8').catch(() =>
  fail(`There is no ${README} in the working directory: run this from the project's root.`),
);
const start = readme.indexOf(START);
const end = readme.indexOf(END);
if (start < 0 || end < start) fail(`${README} must hold ${START} and, after it, ${END}.`);

// Formatted as the lint wants it, so that a fresh table never fails the format check.
const options = { ...(await resolveConfig(README)), filepath: README };
const table = await format(configurationTable(), options);
const updated = `${readme.slice(0, start)}${START}\n\n${table}\n${readme.slice(end)}`;
if (updated === readme) console.log(`The configuration table in ${README} is up to date.`);
else if (process.argv.includes('--check')) {
  fail(`The configuration table in ${README} is stale: run scripts/configuration-table.ts.`);
} else {
  await writeFile(README, updated);
  console.log(`The configuration table in ${README} was written.`);
}
