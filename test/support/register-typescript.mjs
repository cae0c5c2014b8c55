/**
 * Lets plain Node run this project's TypeScript: `node --import ./test/support/register-typescript.mjs x.ts`.
 *
 * For Jest's workers and for the processes that a test starts. Node's own type stripping will not do: it knows
 * neither decorators nor that `./x.js` means `./x.ts`. What comes out is kept from one process to the next: a
 * run starts dozens of them.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const SWC_VERSION = require('@swc/core/package.json').version;
// Only for this user, because these files are executed.
const CACHE = join(tmpdir(), `service-callbacks-transforms-${userInfo().uid}`);
mkdirSync(CACHE, { recursive: true, mode: 0o700 });

/** In a `.tsx` file `<T>` begins an element, in a `.ts` file a type. Nest's injection reads the decorators' metadata. */
const optionsOf = (url) => ({
  jsc: {
    target: 'es2024',
    parser: { syntax: 'typescript', decorators: true, tsx: pathOf(url).endsWith('.tsx') },
    transform: {
      legacyDecorator: true,
      decoratorMetadata: true,
      useDefineForClassFields: false,
      react: { runtime: 'automatic', importSource: 'preact' },
    },
  },
  module: { type: 'es6' },
});

const pathOf = (url) => url.replace(/\?.*$/, '');
const isTypeScript = (url) => /\.tsx?$/.test(pathOf(url));

registerHooks({
  resolve(specifier, context, nextResolve) {
    if (/^\.{1,2}\/.*\.js$/.test(specifier) && isTypeScript(context.parentURL ?? '')) {
      const sources = ['.ts', '.tsx'].map(
        (extension) => new URL(specifier.replace(/\.js$/, extension), context.parentURL),
      );
      const source = sources.find((candidate) => existsSync(candidate));
      if (source) return nextResolve(source.href, context);
    }
    return nextResolve(specifier, context);
  },
  load(url, context, nextLoad) {
    if (!isTypeScript(url) || url.includes('/node_modules/')) return nextLoad(url, context);
    return { format: 'module', source: transformed(url), shortCircuit: true };
  },
});

/** The name depends on everything that decides the result, so a file is never out of date. */
function transformed(url) {
  const filename = fileURLToPath(url);
  const source = readFileSync(filename, 'utf8');
  const options = { ...optionsOf(url), filename, swcrc: false, sourceMaps: 'inline' };
  const key = createHash('sha256')
    .update(JSON.stringify([SWC_VERSION, options, source]))
    .digest('hex');
  const kept = join(CACHE, `${key}.mjs`);
  if (existsSync(kept)) return readFileSync(kept, 'utf8');
  // Loaded only if needed: loading the compiler takes longer than reading its results.
  const { code } = require('@swc/core').transformSync(source, options);
  // Moved into place whole: others may be looking for it at this moment.
  const unfinished = `${kept}.${process.pid}`;
  writeFileSync(unfinished, code);
  renameSync(unfinished, kept);
  return code;
}
