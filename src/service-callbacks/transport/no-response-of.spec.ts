import { AssertionError } from 'node:assert';
import { describe, expect, it } from '@jest/globals';
import { noResponseOf } from './no-response-of.js';
import { type DeliveryError, NoResponseError } from '../connections/errors.js';

function coded(code: string, message = code, options?: ErrorOptions): Error {
  return Object.assign(new Error(message, options), { code });
}

describe('noResponseOf', () => {
  it.each<[DeliveryError, Error]>([
    ['connection_refused', coded('ECONNREFUSED')],
    ['connection_reset', coded('ECONNRESET')],
    ['connection_reset', coded('UND_ERR_SOCKET', 'other side closed')],
    ['connection_failed', coded('EHOSTUNREACH')],
    ['connection_failed', coded('ESOMETHINGNEW')],
    ['dns_failure', coded('ENOTFOUND')],
    ['dns_failure', coded('EAI_AGAIN')],
    ['tls_certificate_expired', coded('CERT_HAS_EXPIRED')],
    ['tls_certificate_self_signed', coded('DEPTH_ZERO_SELF_SIGNED_CERT')],
    ['tls_certificate_self_signed', coded('SELF_SIGNED_CERT_IN_CHAIN')],
    ['tls_certificate_wrong_host', coded('ERR_TLS_CERT_ALTNAME_INVALID')],
    ['tls_failure', coded('UNABLE_TO_VERIFY_LEAF_SIGNATURE')],
    ['tls_failure', coded('CERT_NOT_YET_VALID')],
    ['tls_failure', coded('ERR_SSL_WRONG_VERSION_NUMBER')],
    ['tls_failure', coded('EPROTO')],
    ['timeout', coded('ETIMEDOUT')],
    ['timeout', coded('UND_ERR_CONNECT_TIMEOUT')],
    ['invalid_response', coded('UND_ERR_SOCKET', 'bad upgrade')],
    ['invalid_response', coded('UND_ERR_HEADERS_OVERFLOW')],
    ['invalid_response', Object.assign(new Error('parse'), { name: 'HTTPParserError' })],
    ['invalid_response', new AssertionError({ message: 'undici expected otherwise' })],
    ['connection_refused', new Error('outer', { cause: coded('ECONNREFUSED') })],
    ['connection_refused', new AggregateError([coded('ECONNREFUSED'), coded('ENETUNREACH')])],
    ['dns_failure', coded('UND_ERR_OTHER', 'outer', { cause: new AggregateError([coded('EAI_FAIL')]) })],
    ['address_not_allowed', new Error('outer', { cause: new NoResponseError('address_not_allowed') })],
  ])('says %s', (reason, error) => {
    expect(noResponseOf(error)?.reason).toBe(reason);
  });

  it.each([
    new TypeError('undefined is not a function'),
    coded('UND_ERR_INVALID_ARG'),
    coded('UND_ERR_CLOSED'),
    coded('ERR_INVALID_CHAR'),
    'not even an error',
    undefined,
  ])('leaves %p to be thrown', (error) => {
    expect(noResponseOf(error)).toBeUndefined();
  });

  it('ends for an error that is its own cause', () => {
    const error = coded('ECONNRESET');
    error.cause = error;

    expect(noResponseOf(error)?.reason).toBe('connection_reset');
  });
});
