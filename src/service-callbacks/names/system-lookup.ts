import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';

/** `getaddrinfo`, or a test's replacement. */
export type GetAddresses = (hostname: string) => Promise<readonly LookupAddress[]>;

const getaddrinfo: GetAddresses = (hostname) => lookup(hostname, { all: true, order: 'verbatim' });

/** Nothing reads this error: the attempt is over. */
const TOO_LATE = new Error('The name was not resolved before the deadline');

/**
 * The system's own lookup, for names that are not in DNS: search domains, mDNS, name service modules. A lookup occupies
 * one of libuv's threads until a name server responds, and cannot be cancelled. libuv gives lookups two of its four
 * threads, for the whole process. So there is one lookup at a time for names with a dot, which strangers can choose,
 * and one for names without a dot, which lead to this machine's own name servers. Other lookups wait, and give up after
 * a time.
 */
export class SystemLookup {
  private readonly dotted = new Semaphore(1);
  private readonly dotless = new Semaphore(1);

  constructor(private readonly getAddresses: GetAddresses = getaddrinfo) {}

  /** @throws Error once the signal is aborted; the error of `getaddrinfo` if it knows no such name */
  async addressesOf(hostname: string, signal: AbortSignal): Promise<readonly LookupAddress[]> {
    const semaphore = hostname.includes('.') ? this.dotted : this.dotless;
    const found = semaphore.run(async () => {
      if (signal.aborted) throw TOO_LATE;
      return this.getAddresses(hostname);
    });
    return Promise.race([found, abortOf(signal)]);
  }
}

function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(TOO_LATE), { once: true });
  });
}

/** Bounds how many run at once; the others wait, first come first served. */
class Semaphore {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  /** @param permits at least 1 */
  constructor(private readonly permits: number) {}

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.running < this.permits) this.running += 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await work();
    } finally {
      // The permit goes directly to the next waiter, so that a later caller cannot take it.
      const next = this.waiting.shift();
      if (next) next();
      else this.running -= 1;
    }
  }
}
