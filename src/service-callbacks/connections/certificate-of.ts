import { X509Certificate } from 'node:crypto';
import { connect, type TLSSocket } from 'node:tls';

/** What a certificate says of itself, for people. */
export interface CertificateFacts {
  readonly subject: string;
  /** The names it is for, `DNS:example.com`; empty where it says none. */
  readonly names: string;
  readonly issuer: string;
  readonly validFrom: Date;
  readonly validTo: Date;
}

/** A name is a stranger's text: characters kept of it. */
const MAX_NAME = 200;

/** @returns undefined where the other side showed none */
export function certificateOf(socket: TLSSocket): CertificateFacts | undefined {
  // Typed as always there; it is empty before, and after, a connection.
  const { raw } = socket.getPeerCertificate() as { raw?: Buffer };
  if (raw === undefined) return undefined;
  const certificate = new X509Certificate(raw);
  return {
    subject: nameOf(certificate.subject),
    names: nameOf(certificate.subjectAltName),
    issuer: nameOf(certificate.issuer),
    validFrom: new Date(certificate.validFrom),
    validTo: new Date(certificate.validTo),
  };
}

/** `C=GB`, `CN=example.com` on lines of their own; none for a certificate that has its names elsewhere. */
function nameOf(text: string | undefined): string {
  return (text ?? '')
    .replaceAll('\n', ', ')
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .slice(0, MAX_NAME);
}

export interface CertificateQuestion {
  /** An IP address that may be dialled. */
  readonly address: string;
  readonly port: number;
  /** None for an IP literal. */
  readonly servername?: string;
  readonly timeoutMs: number;
}

/**
 * Asks for a certificate that was refused, to say what is wrong with it. Not verified for that reason, and
 * nothing is sent: the connection ends with the handshake.
 *
 * @returns undefined where the handshake fails, or takes too long
 */
export function readCertificate(question: CertificateQuestion): Promise<CertificateFacts | undefined> {
  const { address, port, servername, timeoutMs } = question;
  const { promise, resolve } = Promise.withResolvers<CertificateFacts | undefined>();
  const socket = connect({
    host: address,
    port,
    rejectUnauthorized: false,
    ...(servername !== undefined && { servername }),
  });
  socket.once('secureConnect', () => {
    resolve(certificateOf(socket));
    socket.destroy();
  });
  socket.setTimeout(timeoutMs, () => socket.destroy());
  socket.once('error', () => undefined).once('close', () => resolve(undefined));
  return promise;
}
