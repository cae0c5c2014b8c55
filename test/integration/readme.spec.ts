import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';

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
