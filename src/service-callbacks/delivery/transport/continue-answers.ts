const SPACE = 0x20;
const LF = 0x0a;
const CR = 0x0d;
const ZERO = 0x30;
const ONE = 0x31;
const TWO = 0x32;

/** Where in `HTTP/1.1 100` the three digits of the status stand. */
const STATUS_AT = 9;

/**
 * Turns `100 Continue` into `102 Processing` in the bytes of a response, in place.
 *
 * A client must accept interim answers it did not ask for (RFC 9110 §15.2, R14). Undici skips all but 100, at
 * which it drops the connection. The two mean the same to us: wait on.
 */
export class ContinueAnswers {
  private state: 'status-line' | 'interim-headers' | 'final' = 'final';
  private position = 0;
  private status = '';
  private lineLength = 0;
  private interim = 0;

  /** A request was written: the next byte belongs to a status line. */
  expectStatusLine(): void {
    this.interim = 0;
    this.expectAnother();
  }

  /** Answers to this request so far that were not the final one. */
  get interimAnswers(): number {
    return this.interim;
  }

  /** @returns where in the chunk the final answer goes on; its length where that has not begun */
  rewrite(chunk: Buffer): number {
    let index = 0;
    for (; index < chunk.length && this.state !== 'final'; index += 1) {
      const byte = chunk[index] ?? 0;
      if (this.state === 'interim-headers') this.readHeaderByte(byte);
      else if (this.readStatusLineByte(byte)) chunk[index] = TWO;
    }
    return index;
  }

  private expectAnother(): void {
    this.state = 'status-line';
    this.position = 0;
    this.status = '';
  }

  /** @returns whether this byte is the last digit of a 100 */
  private readStatusLineByte(byte: number): boolean {
    if (this.position === 0 && (byte === CR || byte === LF)) return false; // tolerated between messages
    const at = this.position;
    this.position += 1;
    if (at === STATUS_AT - 1 && byte !== SPACE) this.state = 'final';
    if (at < STATUS_AT) return false;
    if (at === STATUS_AT && byte !== ONE) {
      this.state = 'final';
      return false;
    }
    this.status += String.fromCharCode(byte);
    if (this.status.length < 3) return false;
    this.state = 'interim-headers';
    this.lineLength = this.position;
    return byte === ZERO && this.status === '100';
  }

  private readHeaderByte(byte: number): void {
    if (byte === CR) return;
    if (byte !== LF) {
      this.lineLength += 1;
    } else if (this.lineLength === 0) {
      this.interim += 1;
      this.expectAnother();
    } else {
      this.lineLength = 0;
    }
  }
}
