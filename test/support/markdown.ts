import { readFile } from 'node:fs/promises';

/** A Markdown file without its code. */
async function proseOf(file: string): Promise<string> {
  return (await readFile(file, 'utf8'))
    .replaceAll(/^ *```.*?^ *```$/gms, '')
    .replaceAll(/`[^`\n]*`/g, (code) =>
      // An anchor has the words of the code.
      code.slice(1, -1).replaceAll(/[[\]()]/g, ''),
    );
}

/** The anchors of its headings, as GitHub makes them. */
export async function anchorsOf(file: string): Promise<Set<string>> {
  const headings = (await proseOf(file)).matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map(([, text = '']) =>
      text
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** What its links lead to in this repository: a path, an anchor, or both. */
export async function relativeLinksOf(file: string): Promise<string[]> {
  const links = (await proseOf(file)).matchAll(/\]\(([^)\s]+)\)/g);
  return [...links].map(([, target = '']) => target).filter((target) => !/^[a-z]+:/.test(target));
}

/** The files of this repository that it names in code, such as `test/e2e/holds` or `relay/safety-sweep.ts`. */
export async function filesNamedIn(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8');
  const named = text.matchAll(
    /`((?:(?:src|test|scripts|deploy|examples|bench)\/[\w./-]+)|(?:[\w-]+\/)+[\w.-]+\.ts|[\w-]+\.spec\.ts)`/g,
  );
  return [...named].map(([, name = '']) => name.replace(/\/$/, ''));
}
