import { parseArgs } from 'node:util';
import type { Command } from './command.js';
import { explain, UsageError } from './errors.js';

const PROGRAM = 'service-callbacks';
/** The exit code for an invalid command line. */
const MISUSED = 2;

export interface Cli {
  readonly commands: readonly Command[];
  /** The last lines of the overview. */
  readonly note: string;
}

/**
 * @param line the arguments after the program's name
 * @returns the exit code
 */
export async function runCli(cli: Cli, line: readonly string[]): Promise<number> {
  try {
    return await run(cli, line);
  } catch (error) {
    console.error(explain(error));
    return error instanceof UsageError ? MISUSED : 1;
  }
}

async function run({ commands, note }: Cli, line: readonly string[]): Promise<number> {
  const command = commands.find(({ name }) => startsWith(line, name));
  if (asksForHelp(line)) {
    const [group] = line;
    const ofGroup = commands.filter(({ name }) => name.split(' ')[0] === group);
    console.log(command ? helpOf(command) : overview(ofGroup.length > 0 ? ofGroup : commands, note));
    return 0;
  }
  if (!command) {
    const unknown =
      line.length === 0 ? 'No command is given' : `There is no command "${line.slice(0, 2).join(' ')}"`;
    throw new UsageError(`${unknown}.\n\n${overview(commands, note)}`);
  }
  return command.run(parse(command, line.slice(command.name.split(' ').length)));
}

function startsWith(line: readonly string[], name: string): boolean {
  return name.split(' ').every((word, index) => line[index] === word);
}

/** `--help` at any position: the command line does nothing else. */
function asksForHelp(line: readonly string[]): boolean {
  const end = line.indexOf('--');
  const words = end === -1 ? line : line.slice(0, end);
  return words[0] === 'help' || words.includes('--help') || words.includes('-h');
}

function parse(command: Command, words: readonly string[]) {
  const options = Object.fromEntries(
    Object.entries(command.options ?? {}).map(([name, { value }]) => [
      name,
      { type: value === undefined ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  const parsed = tryParse(() => parseArgs({ args: [...words], options, allowPositionals: true }), command);
  const { arguments: wanted = [] } = command;
  const { values, positionals } = parsed;
  if (positionals.length < wanted.length) throw misuse(command, `<${wanted[positionals.length]}> is missing`);
  if (positionals.length > wanted.length)
    throw misuse(command, `"${positionals[wanted.length]}" is not expected`);
  return {
    arguments: positionals,
    option: (name: string) => values[name] as string | undefined,
    flag: (name: string) => values[name] === true,
  };
}

function tryParse<T>(work: () => T, command: Command): T {
  try {
    return work();
  } catch (error) {
    // The second sentence of the message is about arguments that begin with a dash. No command has any.
    const [message = ''] = error instanceof Error ? error.message.split('. ') : [String(error)];
    throw misuse(command, message);
  }
}

function misuse(command: Command, message: string): UsageError {
  return new UsageError(`${message}.\n\n${helpOf(command)}`);
}

function overview(commands: readonly Command[], note: string): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    `Usage: ${PROGRAM} <command>`,
    '',
    ...commands.map(({ name, description }) => `  ${name.padEnd(width)}  ${description}`),
    '',
    `"${PROGRAM} <command> --help" describes a command. ${note}`,
  ].join('\n');
}

function helpOf({ name, description, arguments: wanted = [], options = {} }: Command): string {
  const described = Object.entries(options).map(
    ([option, { value, description: what }]) =>
      [value === undefined ? `--${option}` : `--${option} <${value}>`, what] as const,
  );
  const width = Math.max(0, ...described.map(([option]) => option.length));
  const usage = [name, ...wanted.map((each) => `<${each}>`), ...described.map(([option]) => `[${option}]`)];
  return [
    `Usage: ${PROGRAM} ${usage.join(' ')}`,
    '',
    description,
    ...(described.length > 0
      ? ['', ...described.map(([option, what]) => `  ${option.padEnd(width)}  ${what}`)]
      : []),
  ].join('\n');
}
