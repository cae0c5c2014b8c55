import type { Socket } from 'node:net';
import { ConnectionUse } from './connection-use.js';
import { NoResponseError } from './errors.js';
import { StatusLines } from './status-lines.js';

/** The most bytes of status line and headers, interim responses included. */
export const MAX_HEAD_BYTES = 16 * 1024;

/** The most bytes that are read after the headers, framing and trailers included. */
export const MAX_BODY_WIRE_BYTES = 32 * 1024;

/** More interim responses to one request are an attack. */
const MAX_INTERIM_RESPONSES = 32;

const END_OF_HEAD = '\r\n\r\n';
/** A header value that continues in the next line. */
const FOLDS = [Buffer.from('\r\n '), Buffer.from('\r\n\t')];
const NOTHING = Buffer.alloc(0);
const SPACE = 0x20;

/**
 * Limits the bytes of a response that reach the parser: a flood of tiny headers costs the parser far more time than the
 * sender. It also rewrites what undici's parser rejects and a client must accept: some status lines, and header values
 * that continue in the next line (obs-fold, RFC 9112 §5.2).
 */
export class ResponseGuard {
  private readonly statusLines = new StatusLines();
  private headBytes = 0;
  private bodyBytes = 0;
  private isHeadOver = true;
  /** The line end at the end of the last chunk. The next byte decides whether it is a fold or the end of the head. */
  private held: Buffer = NOTHING;

  /** A request was written: the next bytes are its response. */
  expectResponse(): void {
    this.statusLines.expectStatusLine();
    this.headBytes = 0;
    this.bodyBytes = 0;
    this.isHeadOver = false;
    this.held = NOTHING;
  }

  /**
   * @returns the bytes that may pass, possibly none yet; undefined if nothing may pass any more, and the connection
   * must end
   */
  admit(chunk: Buffer): Buffer | undefined {
    const piece = this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]);
    this.held = NOTHING;
    const end = this.isHeadOver ? 0 : this.readHead(piece);
    if (this.headBytes > MAX_HEAD_BYTES || this.statusLines.interimResponses > MAX_INTERIM_RESPONSES)
      return undefined;
    const bodyBytes = piece.length - this.held.length - end;
    const allowed = MAX_BODY_WIRE_BYTES - this.bodyBytes;
    if (allowed <= 0 && bodyBytes > 0) return undefined;
    this.bodyBytes += bodyBytes;
    return piece.subarray(0, end + Math.min(bodyBytes, allowed));
  }

  /** @returns the end of the head in the piece, or the bytes that may pass */
  private readHead(piece: Buffer): number {
    const shown = piece.length - unfinishedLineEnd(piece);
    const from = this.statusLines.rewrite(piece.subarray(0, shown));
    const at = piece.indexOf(END_OF_HEAD, from, 'latin1');
    this.isHeadOver = at !== -1;
    const end = this.isHeadOver ? at + END_OF_HEAD.length : shown;
    if (!this.isHeadOver) this.held = piece.subarray(shown);
    this.headBytes += end;
    if (this.headBytes > MAX_HEAD_BYTES) return end;
    // Separately: a line break in the status line is no fold.
    unfold(piece.subarray(0, from));
    unfold(piece.subarray(from, end));
    return end;
  }
}

/** @returns how many bytes at the end of the piece need the next piece */
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

/** Applies {@link ResponseGuard} to the bytes that undici reads from a connection. */
export function guardResponses(socket: Socket): void {
  const guard = new ResponseGuard();
  const use = new ConnectionUse(socket);
  const read = socket.read.bind(socket);
  socket.read = (size?: number): unknown => {
    for (;;) {
      const chunk: unknown = read(size);
      if (use.noticeRequest()) guard.expectResponse();
      if (!Buffer.isBuffer(chunk)) return chunk;
      use.countBytes(chunk.length);
      const admitted = guard.admit(chunk);
      if (admitted === undefined) break;
      if (admitted.length > 0) return admitted;
    }
    socket.destroy(new NoResponseError('invalid_response'));
    return null;
  };
}
