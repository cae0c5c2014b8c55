import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { consoleBase } from '../paths.js';

export interface Asset {
  /** The file name contains a hash of the content, so a browser may cache it without expiry. */
  readonly name: string;
  readonly path: string;
  readonly type: string;
  readonly content: Buffer;
}

const require = createRequire(import.meta.url);

/** The files of this folder, which the build copies, and htmx from its package. */
export const assets = {
  css: asset('console', 'css', 'text/css; charset=utf-8', new URL('console.css', import.meta.url)),
  js: asset('console', 'js', 'text/javascript; charset=utf-8', new URL('console.js', import.meta.url)),
  icon: asset('icon', 'svg', 'image/svg+xml', new URL('icon.svg', import.meta.url)),
  htmx: asset('htmx', 'js', 'text/javascript; charset=utf-8', require.resolve('htmx.org/dist/htmx.min.js')),
} as const;

const byName: ReadonlyMap<string, Asset> = new Map(Object.values(assets).map((each) => [each.name, each]));

export function findAsset(name: string): Asset | undefined {
  return byName.get(name);
}

function asset(name: string, extension: string, type: string, file: string | URL): Asset {
  const content = readFileSync(file);
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 16);
  const fileName = `${name}.${hash}.${extension}`;
  return {
    name: fileName,
    get path() {
      return `${consoleBase()}/assets/${fileName}`;
    },
    type,
    content,
  };
}
