import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { IN_CODE, type Setting } from '../src/config/setting.js';
import * as settings from '../src/config/settings.js';
import { variables } from '../src/config/variables.js';
import * as options from '../src/service-callbacks/service-callbacks.options.js';

/** The files with settings, and what they export. */
const SOURCES: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ['src/config/settings.ts', settings],
  ['src/service-callbacks/service-callbacks.options.ts', options],
];

/** Every setting with the text of its doc comment, on one line. */
export function docComments(): ReadonlyMap<Setting<unknown>, string> {
  const found = new Map<Setting<unknown>, string>();
  const visit = (node: ts.Node, value: unknown): void => {
    if (!ts.isObjectLiteralExpression(node)) return;
    for (const property of node.properties.filter(ts.isPropertyAssignment)) {
      const part = (value as Record<string, unknown>)[property.name.getText()];
      if (isSetting(part)) found.set(part, commentOf(property));
      else visit(property.initializer, part);
    }
  };
  for (const [path, module] of SOURCES) {
    const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
    for (const statement of source.statements.filter(ts.isVariableStatement))
      for (const { name, initializer } of statement.declarationList.declarations)
        if (initializer !== undefined && name.getText() in module) visit(initializer, module[name.getText()]);
  }
  return found;
}

/** What the doc comment of an option ends with. */
export function limitsOf({ accepts, defaultFor, defaultWords, isRequired }: Setting<unknown>): string {
  const value = defaultFor(IN_CODE);
  const words = ['string', 'number', 'boolean'].includes(typeof value)
    ? `\`${String(value)}\``
    : defaultWords;
  return `${isRequired ? 'Required' : `Default ${words}`}; ${accepts.optionWords}.`;
}

/** Every variable as a Markdown table, for docs/configuration.md. */
export function configurationTable(): string {
  const docs = docComments();
  const rows = [...variables].map(([name, { path, setting }]) => {
    const { accepts, defaultWords } = setting;
    const limits = path === undefined ? '' : limitsOf(setting);
    const description = (docs.get(setting) ?? '').replace(limits, '').trim().replace(/\.$/, '');
    const option = path === undefined ? '' : `\`${path}\``;
    return [`\`${name}\``, option, defaultWords, description, accepts.words];
  });
  const heading = ['Variable', 'Option', 'Default', 'What it is', 'Accepted'];
  return [heading, heading.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
}

function isSetting(value: unknown): value is Setting<unknown> {
  return typeof value === 'object' && value !== null && 'accepts' in value;
}

function commentOf(node: ts.Node): string {
  const [doc] = ts.getJSDocCommentsAndTags(node);
  return (ts.getTextOfJSDocComment(doc?.comment) ?? '').replaceAll(/\s+/g, ' ').trim();
}
