import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { glob, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { docComments, limitsOf } from '../../scripts/setting-docs.js';
import { loadEnv } from '../../src/config/env.js';
import type { Setting, Settings } from '../../src/config/setting.js';
import { ground, service } from '../../src/config/settings.js';
import { variables } from '../../src/config/variables.js';
import { anchorsOf, filesNamedIn, relativeLinksOf } from '../support/markdown.js';

const ROOT = join(import.meta.dirname, '../..');
const DOCUMENTS = '{README,CONTRIBUTING,SECURITY,docs/**/*,examples/**/*}.md';
const REGISTER = join(ROOT, 'test/support/register-typescript.mjs');

describe('the documents', () => {
  it.each([
    ['show the examples as they are', 'scripts/snippets.ts'],
    ['have the configuration table of the code', 'scripts/configuration-table.ts'],
  ])('%s', async (_, script) => {
    const args = ['--import', REGISTER, join(ROOT, script), '--check'];

    // Rejects with the script's message if a document is stale.
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT });

    expect(stdout).toContain('up to date');
  });

  it('have no broken link', async () => {
    const broken: string[] = [];
    let count = 0;
    for await (const file of glob(DOCUMENTS, { cwd: ROOT })) {
      for (const link of await relativeLinksOf(join(ROOT, file))) {
        count += 1;
        const [path = '', anchor] = link.split('#');
        const target = path === '' ? join(ROOT, file) : join(ROOT, dirname(file), path);
        const isThere = existsSync(target) && (anchor === undefined || (await anchorsOf(target)).has(anchor));
        if (!isThere) broken.push(`${file}: ${link}`);
      }
    }
    expect(broken).toEqual([]);
    expect(count).toBeGreaterThan(100);
  });

  it('name only existing files', async () => {
    const files: string[] = [];
    for await (const path of glob('{src,test,scripts,deploy,examples,bench}/**', { cwd: ROOT }))
      files.push(`/${path}`);
    const missing: string[] = [];
    for await (const page of glob(DOCUMENTS, { cwd: ROOT })) {
      for (const name of await filesNamedIn(join(ROOT, page))) {
        const ends = [`/${name}`, `/${name}.spec.ts`];
        if (!files.some((file) => ends.some((end) => file.endsWith(end)))) missing.push(`${page}: ${name}`);
      }
    }
    expect(missing).toEqual([]);
  });

  it.each([
    ['src', 'docs/architecture.md'],
    ['src/service-callbacks', 'docs/architecture.md'],
    ['test', 'CONTRIBUTING.md'],
  ])('say what each folder of %s is for', async (folder, page) => {
    const rows = (await readFile(join(ROOT, page), 'utf8')).matchAll(/^\| (`.*?) \|/gm);
    const named = [...rows].flatMap(([, cell = '']) => cell.match(/[\w/-]+/g) ?? []);
    const folders = (await readdir(join(ROOT, folder), { withFileTypes: true }))
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => (folder === 'test' ? `test/${name}` : name));
    expect(folders.filter((name) => !named.includes(name))).toEqual([]);
  });

  it('keep the README within 8 KB', async () => {
    expect((await readFile(join(ROOT, 'README.md'))).length).toBeLessThanOrEqual(8_192);
  });
});

describe('the documented settings', () => {
  const docs = docComments();
  const ofOptions = [...docs.keys()].filter((each) => !isIn(ground, each) && !isIn(service, each));

  it('each have the default and the accepted values in their doc comment', () => {
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
