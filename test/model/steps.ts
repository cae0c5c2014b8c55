/** What a scenario decides about its next step. */
export interface Choice {
  /** The response of an endpoint. */
  readonly response: 'delivered' | 'retryable' | 'final';
  /** Whether an endpoint has a permit for the callback, and whether a failed attempt puts it on hold. */
  readonly isAdmitted: boolean;
  readonly opens: 'nothing' | 'circuit_open' | 'retry_after';
  /** `response_lost`: the store did it, and its response was lost; `repeated`: the caller then does it again. */
  readonly fault: 'none' | 'response_lost' | 'repeated';
  /** False: the result arrives with a later step. */
  readonly responds: boolean;
}

export const USUAL: Choice = {
  response: 'delivered',
  isAdmitted: true,
  opens: 'nothing',
  fault: 'none',
  responds: true,
};

interface Step {
  readonly owner: object;
  readonly name: string;
  /**
   * The operation itself.
   * @returns a function that delivers the result to the process
   */
  readonly work: (choice: Choice) => Promise<() => void>;
  deliver?: () => void;
  /** How many other steps must come first. */
  delay: number;
}

/**
 * The next operations of all processes, one step each. A step happens only when the scenario says so, and only if its
 * process still runs.
 */
export class Steps {
  private readonly steps: Step[] = [];

  get count(): number {
    return this.steps.length;
  }

  /** The names of the steps that are not done yet. */
  waiting(): string[] {
    return this.steps.filter(({ deliver }) => !deliver).map(({ name }) => name);
  }

  /** Resolves when the scenario makes this step. */
  take<T>(owner: object, name: string, work: (choice: Choice) => T | Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.steps.push({
      owner,
      name,
      delay: 0,
      work: async (choice) => {
        try {
          const result = await work(choice);
          return () => resolve(result);
        } catch (error) {
          return () => reject(error);
        }
      },
    });
    return promise;
  }

  /** Delays a step: others come before it. */
  delay(nth: number, times: number): void {
    const step = this.steps[nth % this.steps.length];
    if (step) step.delay = times;
  }

  /** How many steps may come next. */
  get ready(): number {
    return this.steps.filter(({ delay }) => delay === 0).length;
  }

  /** Brings each delayed step closer. */
  pass(): void {
    for (const step of this.steps) step.delay = Math.max(0, step.delay - 1);
  }

  /**
   * @param nth counted from the newest, so that one process may go far while others are in the middle
   * @returns what happened
   */
  async step(nth: number, choice: Choice): Promise<string | undefined> {
    const step = this.steps.filter(({ delay }) => delay === 0).at(-1 - nth);
    if (!step) return undefined;
    const { fault, response } = choice;
    const isDone = step.deliver !== undefined;
    step.deliver ??= await step.work(choice);
    const name = isDone ? `the response to ${step.name}` : `${step.name} (${response}, ${fault})`;
    if (!choice.responds) return `${name}, no response yet`;
    this.steps.splice(this.steps.indexOf(step), 1);
    step.deliver();
    await untilIdle();
    return name;
  }

  /** Removes the steps of a process that ended. */
  drop(owner: object): void {
    const kept = this.steps.filter((step) => step.owner !== owner);
    this.steps.splice(0, this.steps.length, ...kept);
  }
}

/** Waits until every process is at its next step: between two steps there are only promises. */
export async function untilIdle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
