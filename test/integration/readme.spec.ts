import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { docComments, limitsOf } from '../../scripts/setting-docs.js';
import { loadEnv } from '../../src/config/env.js';
import type { Setting, Settings } from '../../src/config/setting.js';
import { ground, service } from '../../src/config/settings.js';
import { variables } from '../../src/config/variables.js';

const ROOT = join(import.meta.dirname, '../..');
const REGISTER = join(ROOT, 'test/support/register-typescript.mjs');

describe('the documents', () => {
  it.each([
    ['show the examples as they are', 'scripts/readme-snippets.ts'],
    ['have the configuration table of the code', 'scripts/configuration-table.ts'],
  ])('%s', async (_, script) => {
    const args = ['--import', REGISTER, join(ROOT, script), '--check'];

    // Rejects, with what the script says, where a document is stale.
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT });

    expect(stdout).toContain('up to date');
  });
});

describe('the documented settings', () => {
  const docs = docComments();
  const ofOptions = [...docs.keys()].filter((each) => !isIn(ground, each) && !isIn(service, each));

  it('each say in their doc comment what they are by default and what is accepted', () => {
    const stale = ofOptions.filter((each) => docs.get(each)?.endsWith(`. ${limitsOf(each)}`) !== true);
    expect(stale.map((each) => `${docs.get(each)} should end with ${limitsOf(each)}`)).toEqual([]);
  });

  const written = [...variables].flatMap(([name, { setting }]) => {
    const [, text] = /^`([^`]+)`$/.exec(setting.defaultWords) ?? [];
    return text === undefined || name === 'DATABASE_DIRECT_URL' ? [] : [{ name, text }];
  });

  it.each(written)('are what runs: $name is $text by default', ({ name, text }) => {
    expect(loadEnv({ [name]: text })[name]).toEqual(loadEnv({})[name]);
  });

  const ranges = [...variables].flatMap(([name, { setting }]) => {
    const [, from, to] = /number.* from (\d+) to (\d+)$/.exec(setting.accepts.words) ?? [];
    return from === undefined ? [] : [{ name, from: Number(from), to: Number(to) }];
  });

  it.each(ranges)('are what runs: $name takes $from to $to', ({ name, from, to }) => {
    const accepts = (value: number): boolean =>
      variables.get(name)?.setting.accepts.schema.safeParse(value).success ?? false;
    expect([from - 1, from, to, to + 1].map(accepts)).toEqual([false, true, true, false]);
  });
});

function isIn(group: Settings, setting: Setting<unknown>): boolean {
  return Object.values(group).includes(setting);
}
