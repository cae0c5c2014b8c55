import type { Socket } from 'node:net';
import { ConnectionUse } from './connection-use.js';
import { ContinueAnswers } from './continue-answers.js';
import { NoAnswerError } from './no-answer.error.js';

/** Status line and headers, interim answers included, that are longer than this (bytes) are no answer. */
export const MAX_HEAD_BYTES = 16 * 1024;

/** So much (bytes) is read after them, framing and trailers included. */
export const MAX_BODY_WIRE_BYTES = 32 * 1024;

/** More interim answers than this to one request are an attack, not news. */
const MAX_INTERIM_ANSWERS = 32;

const END_OF_HEAD = '\r\n\r\n';

/**
 * What is let through of one answer, in bytes: a parser is shown no more, since one that is shown a flood of tiny
 * headers is busy with it for far longer than the sender was.
 */
export class AnswerGuard {
  private readonly answers = new ContinueAnswers();
  private headBytes = 0;
  private bodyBytes = 0;
  private isHeadOver = true;
  /** The last bytes of the head so far: its end may be in two chunks. */
  private tail = '';

  /** A request was written: what comes next is its answer. */
  expectAnswer(): void {
    this.answers.expectStatusLine();
    this.headBytes = 0;
    this.bodyBytes = 0;
    this.isHeadOver = false;
    this.tail = '';
  }

  /** @returns as much of the chunk as may be shown; undefined: nothing of it, and the connection is to end */
  admit(chunk: Buffer): Buffer | undefined {
    const end = this.isHeadOver ? 0 : this.readHead(chunk);
    if (this.headBytes > MAX_HEAD_BYTES || this.answers.interimAnswers > MAX_INTERIM_ANSWERS)
      return undefined;
    const allowed = MAX_BODY_WIRE_BYTES - this.bodyBytes;
    if (allowed <= 0 && end < chunk.length) return undefined;
    this.bodyBytes += chunk.length - end;
    return chunk.length - end > allowed ? chunk.subarray(0, end + allowed) : chunk;
  }

  /** @returns where the head ends in the chunk; its length where it does not */
  private readHead(chunk: Buffer): number {
    const end = this.endOfHead(chunk, this.answers.rewrite(chunk));
    this.isHeadOver = end !== undefined;
    this.headBytes += end ?? chunk.length;
    return end ?? chunk.length;
  }

  private endOfHead(chunk: Buffer, from: number): number | undefined {
    if (from === chunk.length) return undefined;
    const overlap = END_OF_HEAD.length - 1;
    const seam = this.tail + chunk.toString('latin1', from, from + overlap);
    const inSeam = seam.indexOf(END_OF_HEAD);
    if (inSeam !== -1) return from + inSeam + END_OF_HEAD.length - this.tail.length;
    this.tail = (this.tail + chunk.toString('latin1', Math.max(from, chunk.length - overlap))).slice(
      -overlap,
    );
    const at = chunk.indexOf(END_OF_HEAD, from, 'latin1');
    return at === -1 ? undefined : at + END_OF_HEAD.length;
  }
}

/** Applies {@link AnswerGuard} to what undici reads from a connection. */
export function guardAnswers(socket: Socket): void {
  const guard = new AnswerGuard();
  const use = new ConnectionUse(socket);
  const read = socket.read.bind(socket);
  socket.read = (size?: number): unknown => {
    const chunk: unknown = read(size);
    if (use.noticeRequest()) guard.expectAnswer();
    if (!Buffer.isBuffer(chunk)) return chunk;
    use.countBytes(chunk.length);
    const admitted = guard.admit(chunk);
    if (admitted !== undefined) return admitted;
    socket.destroy(new NoAnswerError('invalid_response'));
    return null;
  };
}
