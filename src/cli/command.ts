/** What follows a command on its line. */
export interface CommandInput {
  readonly arguments: readonly string[];
  option(name: string): string | undefined;
  flag(name: string): boolean;
}

interface OptionDescription {
  readonly description: string;
  /** What stands for its value in the usage; none: it is a flag. */
  readonly value?: string;
}

export interface Command {
  /** Of one or two words. */
  readonly name: string;
  readonly description: string;
  /** What its arguments are called. */
  readonly arguments?: readonly string[];
  readonly options?: Readonly<Record<string, OptionDescription>>;
  /** @returns the exit code */
  run(input: CommandInput): Promise<number>;
}
