import { Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import pino, { type DestinationStream, type LoggerOptions } from 'pino';
import { QueryFailedError } from 'typeorm';
import { describeError, stacksOf } from './describe-error.js';
import { loggingParams } from './logging.js';

const RECIPIENT = 'recipient@example.com';

function anAggregate(): Error {
  const errors = ['::1', '127.0.0.1'].map((address) =>
    Object.assign(new Error(`connect ECONNREFUSED ${address}:1`), { code: 'ECONNREFUSED' }),
  );
  return Object.assign(new AggregateError(errors), { code: 'ECONNREFUSED' });
}

/** An error as TypeORM makes it from an error of `pg`. */
function aFailedQuery(): Error {
  const driverError = Object.assign(new Error('new row violates check constraint "none"'), {
    code: '23514',
    detail: `Failing row contains (${RECIPIENT}).`,
    where: `unnamed portal parameter $1 = '${RECIPIENT}'`,
  });
  return new QueryFailedError('INSERT INTO notifications VALUES ($1)', [RECIPIENT], driverError);
}

describe('the description of an error', () => {
  it('has its name, message, code and stack, and those of its causes', () => {
    const error = new Error('no receipt', { cause: new TypeError('no status', { cause: aFailedQuery() }) });
    expect(describeError(error)).toEqual({
      name: 'Error',
      message: 'no receipt',
      stack: expect.stringMatching(/^Error: no receipt\n +at /),
      cause: {
        name: 'TypeError',
        message: 'no status',
        stack: expect.stringMatching(/^TypeError: no status\n +at /),
        cause: {
          name: 'QueryFailedError',
          message: 'new row violates check constraint "none"',
          code: '23514',
          stack: expect.any(String),
        },
      },
    });
  });

  it('has the errors of an AggregateError, whose own message is empty', () => {
    expect(describeError(anAggregate())).toMatchObject({
      name: 'AggregateError',
      code: 'ECONNREFUSED',
      errors: [
        { name: 'Error', message: 'connect ECONNREFUSED ::1:1', code: 'ECONNREFUSED' },
        { name: 'Error', message: 'connect ECONNREFUSED 127.0.0.1:1', code: 'ECONNREFUSED' },
      ],
    });
  });

  it('has no parameters of a statement', () => {
    const described = JSON.stringify(describeError(new Error('outer', { cause: aFailedQuery() })));
    expect(described).not.toContain(RECIPIENT);
    expect(described).not.toContain('INSERT');
  });

  it('ends if the causes form a circle', () => {
    const error: Error & { cause?: unknown } = new Error('first');
    error.cause = new Error('second', { cause: error });
    expect(JSON.stringify(describeError(error)).length).toBeLessThan(100_000);
  });

  it.each([
    ['a text', 'broken', { name: 'string', message: 'broken' }],
    ['nothing', undefined, { name: 'undefined', message: 'undefined' }],
    ['an object', { token: 'x' }, { name: 'object', message: 'not an error, but an object with token' }],
  ])('describes %s that was thrown', (_, thrown, expected) => {
    expect(describeError(thrown)).toEqual(expected);
  });

  it('is text with every stack, for a process without a logger', () => {
    const text = stacksOf(new Error('outer', { cause: anAggregate() }));
    expect(text).toMatch(
      /^Error: outer\n +at .*\nCaused by: AggregateError.*\nError: connect ECONNREFUSED ::1:1.*127\.0\.0\.1:1/s,
    );
  });
});

describe.each(['json', 'pretty'] as const)('an error in a %s line', (format) => {
  function linesOf(log: (logger: pino.Logger) => void): string {
    const chunks: string[] = [];
    const stream = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        chunks.push(chunk.toString());
        done();
      },
    });
    const { pinoHttp } = loggingParams({ level: 'info', format, stream });
    const [options, destination] = pinoHttp as [LoggerOptions, DestinationStream];
    log(pino(options, destination));
    return chunks.join('');
  }

  it.each([
    ['as it is', (error: Error) => error],
    ['described', (error: Error) => describeError(error)],
  ])('has the whole chain where it is logged %s', (_, toLogged) => {
    const error = new Error('outer', { cause: anAggregate() });
    const lines = linesOf((logger) => logger.error({ err: toLogged(error), msg: 'A request failed' }));
    for (const part of ['"outer"', 'AggregateError', 'ECONNREFUSED ::1:1', 'ECONNREFUSED 127.0.0.1:1']) {
      expect(lines).toContain(part);
    }
    expect(lines.match(/describe-error\.spec\.ts:\d+/g)?.length).toBeGreaterThanOrEqual(3);
  });

  it('has no parameters of a statement', () => {
    const lines = linesOf((logger) => logger.error(aFailedQuery()));
    expect(lines).toContain('new row violates check constraint');
    expect(lines).not.toContain(RECIPIENT);
  });
});
