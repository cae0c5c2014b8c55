import { variables } from './env.variables.js';

/** The environment as a Markdown table, for the README. */
export function configurationTable(): string {
  const rows = Object.entries(variables).map(([name, { defaultWords, description, accepts }]) => [
    `\`${name}\``,
    defaultWords,
    description,
    accepts.words,
  ]);
  return [['Variable', 'Default', 'What it is', 'Accepted'], ['---', '---', '---', '---'], ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
}
