/** The arguments and options of one command line. */
export interface CommandInput {
  readonly arguments: readonly string[];
  option(name: string): string | undefined;
  flag(name: string): boolean;
}

interface OptionDescription {
  readonly description: string;
  /** The name of the option's value in the usage text; absent for a flag. */
  readonly value?: string;
}

export interface Command {
  /** One or two words. */
  readonly name: string;
  readonly description: string;
  /** The names of the arguments in the usage text. */
  readonly arguments?: readonly string[];
  readonly options?: Readonly<Record<string, OptionDescription>>;
  /** @returns the exit code */
  run(input: CommandInput): Promise<number>;
}
