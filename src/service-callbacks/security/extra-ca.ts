import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { InvalidCaFileError } from './errors.js';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Reads the certificates that are trusted beside the system's (`CALLBACK_EXTRA_CA_FILE`).
 * @returns the PEM text; all its certificates are valid
 * @throws InvalidCaFileError naming the file. Without the error, a missing file would be noticed much later.
 */
export function readExtraCa(path: string): string {
  const text = read(path);
  const certificates = text.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) throw new InvalidCaFileError(path, 'has no PEM certificate in it');
  for (const [index, certificate] of certificates.entries()) {
    if (!isReadable(certificate)) {
      throw new InvalidCaFileError(path, `has a certificate that cannot be read, number ${index + 1}`);
    }
  }
  return certificates.join('\n');
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new InvalidCaFileError(path, `cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

function isReadable(certificate: string): boolean {
  try {
    return new X509Certificate(certificate).subject !== null;
  } catch {
    return false;
  }
}
