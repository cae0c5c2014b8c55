/**
 * Lets plain Node run this project's TypeScript: `node --import ./test/support/register-typescript.mjs x.ts`.
 *
 * Jest transforms test files only; a process that a test starts has to do so itself. Node's own type
 * stripping will not do: it knows neither decorators nor that `./x.js` means `./x.ts`. What comes out is kept
 * from one process to the next, as Jest keeps its own: a run starts dozens of them.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { base } from '../../jest.config.js';

const require = createRequire(import.meta.url);
const SWC_VERSION = require('@swc/core/package.json').version;
// Of this user alone: what is in there is run.
const CACHE = join(tmpdir(), `service-callbacks-transforms-${userInfo().uid}`);
mkdirSync(CACHE, { recursive: true, mode: 0o700 });

const optionsOf = (url) => base.transform[url.endsWith('.tsx') ? '^.+\\.tsx$' : '^.+\\.ts$'][1];

registerHooks({
  resolve(specifier, context, nextResolve) {
    if (/^\.{1,2}\/.*\.js$/.test(specifier) && /\.tsx?$/.test(context.parentURL ?? '')) {
      const sources = ['.ts', '.tsx'].map(
        (extension) => new URL(specifier.replace(/\.js$/, extension), context.parentURL),
      );
      const source = sources.find((candidate) => existsSync(candidate));
      if (source) return nextResolve(source.href, context);
    }
    return nextResolve(specifier, context);
  },
  load(url, context, nextLoad) {
    if (!/\.tsx?$/.test(url) || url.includes('/node_modules/')) return nextLoad(url, context);
    return { format: 'module', source: transformed(url), shortCircuit: true };
  },
});

/** Under a name made of all that decides what comes out, so that nothing in there is ever out of date. */
function transformed(url) {
  const filename = fileURLToPath(url);
  const source = readFileSync(filename, 'utf8');
  const options = { ...optionsOf(url), filename, swcrc: false, sourceMaps: 'inline' };
  const key = createHash('sha256')
    .update(JSON.stringify([SWC_VERSION, options, source]))
    .digest('hex');
  const kept = join(CACHE, `${key}.mjs`);
  if (existsSync(kept)) return readFileSync(kept, 'utf8');
  // Loaded where it is needed: loading the compiler takes longer than reading what it made.
  const { code } = require('@swc/core').transformSync(source, options);
  // Moved into place whole: others may be looking for it at this moment.
  const unfinished = `${kept}.${process.pid}`;
  writeFileSync(unfinished, code);
  renameSync(unfinished, kept);
  return code;
}
