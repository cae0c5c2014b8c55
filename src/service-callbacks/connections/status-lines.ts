const SPACE = 0x20;
const LF = 0x0a;
const CR = 0x0d;
const ZERO = 0x30;
const ONE = 0x31;
const TWO = 0x32;
const NINE = 0x39;

const HTTP_1 = Buffer.from('HTTP/1.');

/** Positions in `HTTP/1.1 100`: the minor version, and the three digits of the status code. */
const MINOR_VERSION_AT = HTTP_1.length;
const STATUS_AT = 9;

/**
 * Rewrites, in place, status lines that undici rejects and a client must accept.
 *
 * - `100 Continue` becomes `102 Processing`. Undici skips every interim response (RFC 9110 §15.2) except 100, at which
 * it closes the connection. For us both mean: wait.
 * - `HTTP/1.2` to `HTTP/1.9` become `HTTP/1.1`: a higher minor version must be read like it (RFC 9110 §2.5).
 */
export class StatusLines {
  private state: 'status-line' | 'interim-headers' | 'final' = 'final';
  private position = 0;
  private isHttp1 = true;
  private status = '';
  private lineLength = 0;
  private interim = 0;

  /** A request was written: the next byte belongs to a status line. */
  expectStatusLine(): void {
    this.interim = 0;
    this.expectAnother();
  }

  /** Interim responses to this request so far. */
  get interimResponses(): number {
    return this.interim;
  }

  /**
   * @returns where the final response continues after its status code; the length of the chunk if that is in a later
   * chunk
   */
  rewrite(chunk: Buffer): number {
    let index = 0;
    for (; index < chunk.length && this.state !== 'final'; index += 1) {
      const byte = chunk[index] ?? 0;
      if (this.state === 'interim-headers') this.readHeaderByte(byte);
      else chunk[index] = this.readStatusLineByte(byte);
    }
    return index;
  }

  private expectAnother(): void {
    this.state = 'status-line';
    this.position = 0;
    this.isHttp1 = true;
    this.status = '';
  }

  /** @returns the byte to use in its place */
  private readStatusLineByte(byte: number): number {
    if (this.position === 0 && (byte === CR || byte === LF)) return byte; // allowed between messages
    const at = this.position;
    this.position += 1;
    if (at < MINOR_VERSION_AT) this.isHttp1 &&= byte === HTTP_1[at];
    if (at === MINOR_VERSION_AT && this.isHttp1 && byte > ONE && byte <= NINE) return ONE;
    if (at === STATUS_AT - 1 && byte !== SPACE) this.state = 'final';
    return at < STATUS_AT ? byte : this.readStatusByte(byte);
  }

  private readStatusByte(byte: number): number {
    if (this.status === '' && byte !== ONE) {
      this.state = 'final';
      return byte;
    }
    this.status += String.fromCharCode(byte);
    if (this.status.length < 3) return byte;
    this.state = 'interim-headers';
    this.lineLength = this.position;
    return byte === ZERO && this.status === '100' ? TWO : byte;
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
