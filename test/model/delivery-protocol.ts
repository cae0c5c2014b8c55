/** What an endpoint answers, as far as the protocol cares. */
export type Answer = 'delivered' | 'retryable' | 'final';

/** The protocol, and how a wrong one would differ. Only the first of each is what this project does. */
export interface Protocol {
  readonly enqueue: 'in the transaction' | 'after the commit';
  readonly relay: 'add, then delete' | 'delete, then add';
  readonly handOver: 'add, then remove' | 'remove, then add';
  readonly bury: 'write, then remove' | 'remove, then write';
  readonly ended: 'is removed' | 'is kept';
  readonly replay: 'next generation' | 'same generation';
}

export const PROTOCOL: Protocol = {
  enqueue: 'in the transaction',
  relay: 'add, then delete',
  handOver: 'add, then remove',
  bury: 'write, then remove',
  ended: 'is removed',
  replay: 'next generation',
};

interface Job {
  readonly queue: 'main' | 'retry';
  readonly id: string;
  readonly generation: number;
  readonly attemptsLeft: number;
}

interface Kept extends Job {
  readonly state: 'waiting' | 'active' | 'ended';
}

interface DeadLetter {
  readonly generation: number;
  readonly replayed: boolean;
}

const RETRIES = 1;

/** A process in the middle of something: each `next()` is one atomic operation of one store. */
type Actor = { readonly run: Iterator<void>; readonly holds?: string };

/**
 * Rows, outbox, two queues, dead letters and a receiver, and the processes between them, which may die between
 * any two operations. Pure: no clock, no I/O.
 */
export class DeliverySystem {
  readonly committed = new Set<string>();
  readonly deliveries = new Map<string, number>();
  private readonly outbox = new Set<Job>();
  private readonly queues = new Map<string, Kept>();
  private readonly deadLetters = new Map<string, DeadLetter>();
  private readonly actors: Actor[] = [];

  constructor(private readonly protocol: Protocol) {}

  /** Callbacks that no store would give back if every process died now. The promise: none, at any time. */
  lost(): string[] {
    return [...this.committed].filter((id) => !this.isAccountedFor(id));
  }

  /** Requests for what never committed. */
  invented(): string[] {
    return [...this.deliveries.keys()].filter((id) => !this.committed.has(id));
  }

  get isQuiet(): boolean {
    return (
      this.actors.length === 0 &&
      this.outbox.size === 0 &&
      [...this.queues.values()].every(({ state }) => state === 'ended')
    );
  }

  produce(id: string, commits: boolean): void {
    this.start({ run: this.producing(id, commits) });
  }

  relay(): void {
    this.start({ run: this.relaying() });
  }

  /** A worker takes the job that has waited longest. */
  work(queue: 'main' | 'retry', answer: Answer): void {
    const found = [...this.queues].find(([, job]) => job.queue === queue && job.state === 'waiting');
    if (!found) return;
    const [key, job] = found;
    this.queues.set(key, { ...job, state: 'active' });
    this.start({ run: this.attempting(key, job, answer), holds: key });
  }

  /** Somebody presses replay: one transaction. */
  replay(nth: number): void {
    const [id, letter] = [...this.deadLetters][nth % this.deadLetters.size] ?? [];
    if (id === undefined || !letter || letter.replayed) return;
    const generation = letter.generation + (this.protocol.replay === 'next generation' ? 1 : 0);
    this.deadLetters.set(id, { generation, replayed: true });
    this.outbox.add({ queue: 'retry', id, generation, attemptsLeft: RETRIES + 1 });
  }

  step(nth: number): void {
    const actor = this.actors[nth % this.actors.length];
    if (actor?.run.next().done) this.leave(actor);
  }

  /** The process is gone; the job it held is another's once its lock has run out. */
  crash(nth: number): void {
    const actor = this.actors[nth % this.actors.length];
    if (!actor) return;
    this.leave(actor);
    const job = actor.holds === undefined ? undefined : this.queues.get(actor.holds);
    if (actor.holds !== undefined && job?.state === 'active')
      this.queues.set(actor.holds, { ...job, state: 'waiting' });
  }

  private start(actor: Actor): void {
    this.actors.push(actor);
  }

  private leave(actor: Actor): void {
    this.actors.splice(this.actors.indexOf(actor), 1);
  }

  private isAccountedFor(id: string): boolean {
    const letter = this.deadLetters.get(id);
    return (
      this.deliveries.has(id) ||
      (letter !== undefined && !letter.replayed) ||
      [...this.outbox].some((job) => job.id === id) ||
      [...this.queues.values()].some((job) => job.id === id && job.state !== 'ended')
    );
  }

  private *producing(id: string, commits: boolean): Generator<void> {
    yield;
    if (!commits) return;
    const job = { queue: 'main', id, generation: 0, attemptsLeft: 1 } as const;
    this.committed.add(id);
    if (this.protocol.enqueue === 'after the commit') yield;
    this.outbox.add(job);
  }

  private *relaying(): Generator<void> {
    const taken = [...this.outbox].slice(0, 2);
    const forward = () => taken.forEach((job) => this.add(job));
    const remove = () => taken.forEach((job) => this.outbox.delete(job));
    yield;
    yield* inOrder(forward, remove, this.protocol.relay === 'add, then delete');
  }

  private *attempting(key: string, job: Job, answer: Answer): Generator<void> {
    yield;
    if (answer === 'delivered') this.deliveries.set(job.id, (this.deliveries.get(job.id) ?? 0) + 1);
    yield;
    const end = () => this.end(key);
    if (answer === 'delivered') return end();
    if (answer === 'final') yield* this.burying(job, end);
    else if (job.queue === 'main') {
      const add = () => this.add({ ...job, queue: 'retry', attemptsLeft: RETRIES });
      yield* inOrder(add, end, this.protocol.handOver === 'add, then remove');
    } else if (job.attemptsLeft <= 1) yield* this.burying(job, end);
    else this.queues.set(key, { ...job, attemptsLeft: job.attemptsLeft - 1, state: 'waiting' });
  }

  private *burying({ id, generation }: Job, end: () => void): Generator<void> {
    const write = () => {
      if ((this.deadLetters.get(id)?.generation ?? 0) <= generation)
        this.deadLetters.set(id, { generation, replayed: false });
    };
    yield* inOrder(write, end, this.protocol.bury === 'write, then remove');
  }

  /** An id that is still kept, in whatever state, swallows the job. */
  private add(job: Job): void {
    const key = job.queue === 'main' ? job.id : `${job.id}.${job.generation}`;
    if (!this.queues.has(key)) this.queues.set(key, { ...job, state: 'waiting' });
  }

  private end(key: string): void {
    const job = this.queues.get(key);
    if (job && this.protocol.ended === 'is kept') this.queues.set(key, { ...job, state: 'ended' });
    else this.queues.delete(key);
  }
}

function* inOrder(first: () => void, second: () => void, asIs: boolean): Generator<void> {
  const [one, two] = asIs ? [first, second] : [second, first];
  one();
  yield;
  two();
}
