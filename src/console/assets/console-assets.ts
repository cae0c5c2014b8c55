import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { CONSOLE } from '../paths.js';

export interface Asset {
  /** Has a hash of the content in it: a browser may cache it indefinitely. */
  readonly path: string;
  readonly type: string;
  readonly content: Buffer;
}

const require = createRequire(import.meta.url);

/** The files beside this one (the build copies them), and htmx out of its package. */
export const assets = {
  css: asset('console', 'css', 'text/css; charset=utf-8', new URL('console.css', import.meta.url)),
  js: asset('console', 'js', 'text/javascript; charset=utf-8', new URL('console.js', import.meta.url)),
  icon: asset('icon', 'svg', 'image/svg+xml', new URL('icon.svg', import.meta.url)),
  htmx: asset('htmx', 'js', 'text/javascript; charset=utf-8', require.resolve('htmx.org/dist/htmx.min.js')),
} as const;

const byPath: ReadonlyMap<string, Asset> = new Map(Object.values(assets).map((each) => [each.path, each]));

export function findAsset(path: string): Asset | undefined {
  return byPath.get(path);
}

function asset(name: string, extension: string, type: string, file: string | URL): Asset {
  const content = readFileSync(file);
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 16);
  return { path: `${CONSOLE}/assets/${name}.${hash}.${extension}`, type, content };
}
