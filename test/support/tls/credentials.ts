import { readFileSync } from 'node:fs';

export interface TlsCredentials {
  readonly key: string;
  readonly cert: string;
}

/**
 * Key pairs for tests alone, made with `openssl ca -selfsign` and committed because Node cannot sign X.509: each
 * certificate signs itself, so that it is its own authority when a test trusts it.
 */
function read(name: string): TlsCredentials {
  const pem = (kind: string): string =>
    readFileSync(new URL(`./${name}.${kind}.pem`, import.meta.url), 'utf8');
  return { key: pem('key'), cert: pem('crt') };
}

/** For `localhost` and 127.0.0.1, valid from 2020 to 2120. */
export const selfSigned = read('self-signed');

/** For `localhost` and 127.0.0.1, valid on the first day of 2020. */
export const expired = read('expired');

/** Only for `elsewhere.example`, valid from 2020 to 2120. */
export const wrongHost = read('wrong-host');
