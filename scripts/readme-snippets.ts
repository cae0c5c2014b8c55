/**
 * Writes files into the documents: each code block below a marker `<!-- file: path -->` becomes that file, or with
 * `path#name` what stands in it between `// #region name` and `// #endregion`, so that what is shown compiles and is
 * tested. With `--check` it only says whether they are the same.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { extname } from 'node:path';

const DOCUMENTS = ['README.md', 'docs/testing.md', 'docs/receiving.md'];
const SNIPPET = /(<!-- file: (\S+?)(?:#(\S+))? -->\n+)```\w*\n.*?\n```\n/gs;

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

/** Without what all of its lines are indented by. */
function regionOf(content: string, name: string): string | undefined {
  const [, text] = new RegExp(`// #region ${name}\\n(.*?)\\n\\s*// #endregion`, 's').exec(content) ?? [];
  const lines = text?.split('\n');
  const indents = lines?.filter((line) => line !== '').map((line) => line.search(/\S/)) ?? [];
  return lines?.map((line) => line.slice(Math.min(...indents))).join('\n');
}

async function update(document: string): Promise<void> {
  const before = await readFile(document, 'utf8').catch(() =>
    fail(`There is no ${document} in the working directory: run this from the project's root.`),
  );
  let after = before;
  const shown: string[] = [];
  const stale: string[] = [];
  for (const [block, marker = '', path = '', region] of before.matchAll(SNIPPET)) {
    const fresh = await blockOf(document, marker, path, region);
    shown.push(path);
    if (fresh !== block) stale.push(path);
    after = after.replace(block, () => fresh);
  }
  if (shown.length === 0)
    fail(`${document} shows no files: there is no <!-- file: path --> above a code block.`);
  if (stale.length === 0) console.log(`The files shown in ${document} are up to date: ${shown.join(', ')}.`);
  else if (process.argv.includes('--check'))
    fail(`${document} shows another ${stale.join(', ')}: run scripts/readme-snippets.ts.`);
  else {
    await writeFile(document, after);
    console.log(`${document} shows ${stale.join(', ')} as it is now.`);
  }
}

for (const document of DOCUMENTS) await update(document);
