/** What a story decides of a step when it comes to it. */
export interface Choice {
  /** Of an endpoint. */
  readonly response: 'delivered' | 'retryable' | 'final';
  /** Whether an endpoint has a permit for the callback, and whether an attempt that fails puts it on hold. */
  readonly isAdmitted: boolean;
  readonly opens: 'nothing' | 'circuit_open' | 'retry_after';
  /** `unanswered`: the store did it and its response was lost; `repeated`: the caller then does it again. */
  readonly fault: 'none' | 'unanswered' | 'repeated';
  /** False: the result is under way, and arrives with a later step. */
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
  /** The operation itself. @returns how its result reaches the process */
  readonly work: (choice: Choice) => Promise<() => void>;
  answer?: () => void;
  /** Others come first, so many times. */
  delay: number;
}

/**
 * What processes are about to do, one operation of one store or endpoint each. None happens before the story says so,
 * and none happens that its process did not live to do.
 */
export class Steps {
  private readonly steps: Step[] = [];

  get count(): number {
    return this.steps.length;
  }

  /** The names of those that are not done yet. */
  waiting(): string[] {
    return this.steps.filter(({ answer }) => !answer).map(({ name }) => name);
  }

  /** Resolves when the story comes to it. */
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

  /** A step takes long: others come before it. */
  delay(nth: number, times: number): void {
    const step = this.steps[nth % this.steps.length];
    if (step) step.delay = times;
  }

  /** How many may come next. */
  get ready(): number {
    return this.steps.filter(({ delay }) => delay === 0).length;
  }

  /** One that was delayed comes a step nearer. */
  pass(): void {
    for (const step of this.steps) step.delay = Math.max(0, step.delay - 1);
  }

  /** @param nth from the newest, so that one process may go far while others are in the middle. @returns what happened */
  async step(nth: number, choice: Choice): Promise<string | undefined> {
    const step = this.steps.filter(({ delay }) => delay === 0).at(-1 - nth);
    if (!step) return undefined;
    const { fault, response } = choice;
    const isDone = step.answer !== undefined;
    step.answer ??= await step.work(choice);
    const name = isDone ? `the response to ${step.name}` : `${step.name} (${response}, ${fault})`;
    if (!choice.responds) return `${name}, no response yet`;
    this.steps.splice(this.steps.indexOf(step), 1);
    step.answer();
    await untilIdle();
    return name;
  }

  /** Its process is gone. */
  drop(owner: object): void {
    const kept = this.steps.filter((step) => step.owner !== owner);
    this.steps.splice(0, this.steps.length, ...kept);
  }
}

/** Until every process is at its next step: between two steps there is nothing but promises. */
export async function untilIdle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
