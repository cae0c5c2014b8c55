import { X509Certificate } from 'node:crypto';
import { connect, type TLSSocket } from 'node:tls';

/** The facts of a certificate, for people. */
export interface CertificateFacts {
  readonly subject: string;
  /** The names that it is valid for, `DNS:example.com`; empty if it has none. */
  readonly names: string;
  readonly issuer: string;
  readonly validFrom: Date;
  readonly validTo: Date;
}

/** Characters of a name that are kept: it is a stranger's text. */
const MAX_NAME = 200;

/** @returns undefined if the server showed no certificate */
export function certificateOf(socket: TLSSocket): CertificateFacts | undefined {
  // Its type says that it is always there, but before and after a connection it is empty.
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

/** The text has a line for each part: `C=GB`, `CN=example.com`. It is empty if the certificate has its names elsewhere. */
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
  /** Absent for an IP literal. */
  readonly servername?: string;
  readonly timeoutMs: number;
}

/**
 * Fetches a certificate that was refused, to say what is wrong with it. Therefore it is not verified, and nothing is
 * sent: the connection ends with the handshake.
 * @returns undefined if the handshake fails or takes too long
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
