/**
 * Writes files into the documents: each code block below a marker `<!-- file: path -->` becomes that file, or with
 * `path#name` the part of it between `// #region name` and `// #endregion`. What a document shows is thereby compiled
 * and tested. With `--check` it changes nothing, and fails where a document is stale.
 */
import { glob, readFile, writeFile } from 'node:fs/promises';
import { extname } from 'node:path';

const SNIPPET = /(<!-- file: (\S+?)(?:#(\S+))? -->\n+)```\w*\n.*?```\n/gs;

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

async function blockOf(document: string, marker: string, path: string, region?: string): Promise<string> {
  const content = await readFile(path, 'utf8').catch(() =>
    fail(`${document} shows ${path}, which is not there.`),
  );
  const shown = region === undefined ? content.trimEnd() : regionOf(content, region);
  if (shown === undefined) fail(`${document} shows ${path}#${region}: there is no such region.`);
  return `${marker}\`\`\`${extname(path).slice(1)}\n${shown}\n\`\`\`\n`;
}

/** The region without the indentation that all of its lines have. */
function regionOf(content: string, name: string): string | undefined {
  const [, text] = new RegExp(`// #region ${name}\\n(.*?)\\n\\s*// #endregion`, 's').exec(content) ?? [];
  const lines = text?.split('\n');
  const indents = lines?.filter((line) => line !== '').map((line) => line.search(/\S/)) ?? [];
  return lines?.map((line) => line.slice(Math.min(...indents))).join('\n');
}

async function update(document: string): Promise<void> {
  const before = await readFile(document, 'utf8');
  let after = before;
  const shown: string[] = [];
  const stale: string[] = [];
  for (const [block, marker = '', path = '', region] of before.matchAll(SNIPPET)) {
    const fresh = await blockOf(document, marker, path, region);
    shown.push(path);
    if (fresh !== block) stale.push(path);
    after = after.replace(block, () => fresh);
  }
  if (shown.length === 0) return;
  if (stale.length === 0) console.log(`The files shown in ${document} are up to date: ${shown.join(', ')}.`);
  else if (process.argv.includes('--check'))
    fail(`${document} shows another ${stale.join(', ')}: run scripts/snippets.ts.`);
  else {
    await writeFile(document, after);
    console.log(`${document} shows ${stale.join(', ')} as it is now.`);
  }
}

for await (const document of glob(['README.md', 'docs/*.md'])) await update(document);
