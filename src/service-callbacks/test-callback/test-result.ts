import type { DeliveryOutcome } from '../transport/delivery-outcome.js';

/** TLS facts of the endpoint, also if its certificate was refused. */
export interface TlsFacts {
  /** `TLSv1.3`; null without a connection. */
  readonly protocol: string | null;
  readonly subject: string;
  /** The names of the certificate, `DNS:example.com`. */
  readonly names: string;
  readonly issuer: string;
  readonly validFrom: Date;
  readonly validTo: Date;
}

/** What is known of the connection. */
export interface ConnectionFacts {
  /** The addresses of the host name; for an IP literal, itself. */
  readonly addresses: readonly string[];
  /** `203.0.113.5:443`: the address of the connection, or the first that was tried; null if none was tried. */
  readonly dialled: string | null;
  /** Null for plain http, and without a certificate. */
  readonly tls: TlsFacts | null;
}

/** The result of one test callback. */
export interface TestResult {
  /** Its own id, the request's `webhook-id`. No callback has this id. */
  readonly id: string;
  readonly url: string;
  readonly at: Date;
  readonly outcome: DeliveryOutcome;
  readonly connection: ConnectionFacts;
  /** The `Location` of a redirect. Callbacks do not follow redirects. */
  readonly location: string | null;
  /** The beginning of the response, printable, at most 1 KiB; null without one. */
  readonly excerpt: string | null;
  /** What the result means and what to do, in words. */
  readonly hint: string;
}
