import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';

/** `getaddrinfo`, or what a test puts in its place. */
export type GetAddresses = (hostname: string) => Promise<readonly LookupAddress[]>;

const getaddrinfo: GetAddresses = (hostname) => lookup(hostname, { all: true, order: 'verbatim' });

/** Nothing reads it: the attempt is over. */
const TOO_LATE = new Error('The name was not resolved before the deadline');

/**
 * The system's own way to an address, for names that are not in DNS: search domains, mDNS, name service modules.
 *
 * It takes one of libuv's threads until a name server responds, and cannot be cancelled; libuv gives such calls
 * two of its four, for the whole process. So one call at a time for names with a dot, which strangers can choose,
 * and one for names without, which they cannot: those lead to this machine's own name servers. Others wait their
 * turn, and are gone when they have waited too long.
 */
export class SystemLookup {
  private readonly dotted = new Semaphore(1);
  private readonly dotless = new Semaphore(1);

  constructor(private readonly getAddresses: GetAddresses = getaddrinfo) {}

  /** @throws Error once the signal is aborted; what `getaddrinfo` throws where it knows no such name */
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

/** Runs so many at a time; the others wait, first come first served. */
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
      // The permit goes to the next one directly: a later caller cannot take it in between.
      const next = this.waiting.shift();
      if (next) next();
      else this.running -= 1;
    }
  }
}
