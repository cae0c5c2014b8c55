import type { Socket } from 'node:net';
import { ConnectionUse } from './connection-use.js';
import { NoAnswerError } from './no-answer.error.js';
import { StatusLines } from './status-lines.js';

/** Status line and headers, interim answers included, that are longer than this (bytes) are no answer. */
export const MAX_HEAD_BYTES = 16 * 1024;

/** So much (bytes) is read after them, framing and trailers included. */
export const MAX_BODY_WIRE_BYTES = 32 * 1024;

/** More interim answers than this to one request are an attack, not news. */
const MAX_INTERIM_ANSWERS = 32;

const END_OF_HEAD = '\r\n\r\n';
/** A value that goes on in the next line. */
const FOLDS = [Buffer.from('\r\n '), Buffer.from('\r\n\t')];
const NOTHING = Buffer.alloc(0);
const SPACE = 0x20;

/**
 * What is let through of one answer, in bytes: a parser is shown no more, since one that is shown a flood of tiny
 * headers is busy with it for far longer than the sender was. What undici's parser refuses though a client must accept
 * it is rewritten on the way: status lines, and header values that go on in the next line (obs-fold, RFC 9112 §5.2).
 */
export class AnswerGuard {
  private readonly statusLines = new StatusLines();
  private headBytes = 0;
  private bodyBytes = 0;
  private isHeadOver = true;
  /** The line end that the last chunk ended with: what comes next tells whether it is a fold, or the end of the head. */
  private held: Buffer = NOTHING;

  /** A request was written: what comes next is its answer. */
  expectAnswer(): void {
    this.statusLines.expectStatusLine();
    this.headBytes = 0;
    this.bodyBytes = 0;
    this.isHeadOver = false;
    this.held = NOTHING;
  }

  /**
   * @returns what may be shown, which may be nothing for now; undefined: nothing any more, and the connection is to end
   */
  admit(chunk: Buffer): Buffer | undefined {
    const piece = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]);
    this.held = NOTHING;
    const end = this.isHeadOver ? 0 : this.readHead(piece);
    if (this.headBytes > MAX_HEAD_BYTES || this.statusLines.interimResponses > MAX_INTERIM_ANSWERS)
      return undefined;
    const bodyBytes = piece.length - this.held.length - end;
    const allowed = MAX_BODY_WIRE_BYTES - this.bodyBytes;
    if (allowed <= 0 && bodyBytes > 0) return undefined;
    this.bodyBytes += bodyBytes;
    return piece.subarray(0, end + Math.min(bodyBytes, allowed));
  }

  /** @returns where the head ends in the piece, or what is shown of it */
  private readHead(piece: Buffer): number {
    const shown = piece.length - unfinishedLineEnd(piece);
    const from = this.statusLines.rewrite(piece.subarray(0, shown));
    const at = piece.indexOf(END_OF_HEAD, from, 'latin1');
    this.isHeadOver = at !== -1;
    const end = this.isHeadOver ? at + END_OF_HEAD.length : shown;
    if (!this.isHeadOver) this.held = piece.subarray(shown);
    this.headBytes += end;
    if (this.headBytes > MAX_HEAD_BYTES) return end;
    // Apart: a line break in the status line is no fold.
    unfold(piece.subarray(0, from));
    unfold(piece.subarray(from, end));
    return end;
  }
}

/** @returns of how many bytes at the end of the piece only the next one tells what they are */
function unfinishedLineEnd(piece: Buffer): number {
  const tail = piece.toString('latin1', Math.max(0, piece.length - END_OF_HEAD.length));
  if (tail === END_OF_HEAD) return 0;
  return [3, 2, 1].find((length) => tail.endsWith(END_OF_HEAD.slice(0, length))) ?? 0;
}

/** Replaces the line break of each fold by spaces, in place. */
function unfold(lines: Buffer): void {
  for (const fold of FOLDS) {
    for (let at = lines.indexOf(fold); at !== -1; at = lines.indexOf(fold, at)) lines.fill(SPACE, at, at + 2);
  }
}

/** Applies {@link AnswerGuard} to what undici reads from a connection. */
export function guardAnswers(socket: Socket): void {
  const guard = new AnswerGuard();
  const use = new ConnectionUse(socket);
  const read = socket.read.bind(socket);
  socket.read = (size?: number): unknown => {
    for (;;) {
      const chunk: unknown = read(size);
      if (use.noticeRequest()) guard.expectAnswer();
      if (!Buffer.isBuffer(chunk)) return chunk;
      use.countBytes(chunk.length);
      const admitted = guard.admit(chunk);
      if (admitted === undefined) break;
      if (admitted.length > 0) return admitted;
    }
    socket.destroy(new NoAnswerError('invalid_response'));
    return null;
  };
}
