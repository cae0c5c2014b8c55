import type { DeliveryOutcome } from '../transport/delivery-outcome.js';

/** What TLS said of the endpoint; also where its certificate was refused. */
export interface TlsFacts {
  /** `TLSv1.3`; null where no connection came about. */
  readonly protocol: string | null;
  readonly subject: string;
  /** The names it is for, `DNS:example.com`. */
  readonly names: string;
  readonly issuer: string;
  readonly validFrom: Date;
  readonly validTo: Date;
}

/** What is known of the connection. */
export interface ConnectionFacts {
  /** What the host name resolved to; of an IP literal, itself. */
  readonly addresses: readonly string[];
  /** `203.0.113.5:443`: the one connected to, or the first that was tried; null where none was tried. */
  readonly dialled: string | null;
  /** Null for plain http, and where no certificate was shown. */
  readonly tls: TlsFacts | null;
}

/** One marked test callback, and what the endpoint did with it. */
export interface TestResult {
  /** Its own id, `webhook-id` of the request; no callback of the log has it. */
  readonly id: string;
  readonly url: string;
  readonly at: Date;
  readonly outcome: DeliveryOutcome;
  readonly connection: ConnectionFacts;
  /** `Location` of a redirect, which callbacks do not follow. */
  readonly location: string | null;
  /** The beginning of the response, printable, at most 1 KiB; null where there was none. */
  readonly excerpt: string | null;
  /** What it means and what to do, in words. */
  readonly hint: string;
}
