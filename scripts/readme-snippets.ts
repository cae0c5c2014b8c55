/**
 * Writes files into README.md: each code block below a marker `<!-- file: path -->` becomes that file, so that
 * what the README shows compiles and is tested. With `--check` it only says whether they are the same.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { extname } from 'node:path';

const README = 'README.md';
const SNIPPET = /(<!-- file: (\S+) -->\n+)```\w*\n.*?\n```\n/gs;

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

async function blockOf(marker: string, path: string): Promise<string> {
  const content = await readFile(path, 'utf8').catch(() =>
    fail(`${README} shows ${path}, which is not there.`),
  );
  return `${marker}\`\`\`${extname(path).slice(1)}\n${content.trimEnd()}\n\`\`\`\n`;
}

const readme = await readFile(README, 'utf8').catch(() =>
  fail(`There is no ${README} in the working directory: run this from the project's root.`),
);
const blocks = new Map<string, string>();
for (const [, marker = '', path = ''] of readme.matchAll(SNIPPET)) {
  blocks.set(path, await blockOf(marker, path));
}
if (blocks.size === 0) fail(`${README} shows no files: there is no <!-- file: path --> above a code block.`);

const stale: string[] = [];
const updated = readme.replace(SNIPPET, (block, _marker, path: string) => {
  const fresh = blocks.get(path) ?? block;
  if (fresh !== block) stale.push(path);
  return fresh;
});
if (stale.length === 0)
  console.log(`The files shown in ${README} are up to date: ${[...blocks.keys()].join(', ')}.`);
else if (process.argv.includes('--check')) {
  fail(`${README} shows another ${stale.join(', ')}: run scripts/readme-snippets.ts.`);
} else {
  await writeFile(README, updated);
  console.log(`${README} shows ${stale.join(', ')} as it is now.`);
}
