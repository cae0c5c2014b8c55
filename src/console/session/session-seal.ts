import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Clock } from '../../service-callbacks/clock.js';
import { PayloadCipher } from '../../service-callbacks/security/payload-cipher.js';

/** The content of the cookie. It has the API token itself, so that a revoked token ends its session at once. */
export interface SealedSession {
  readonly token: string;
  /** The synchroniser token of every form. */
  readonly csrf: string;
  /** Unix ms: the sign-in, and the last renewal of the cookie. */
  readonly startedAt: number;
  readonly sealedAt: number;
}

/** The longest time without a request, the longest session, and the age at which the cookie is renewed, ms. */
const LIFE = { idleMs: 30 * 60_000, wholeMs: 12 * 3_600_000, renewAfterMs: 60_000 } as const;

/** 256 bits. */
const CSRF_BYTES = 32;

const BINDING = 'service-callbacks:console-session';

const shape = z.object({
  token: z.string(),
  csrf: z.string(),
  startedAt: z.number(),
  sealedAt: z.number(),
});

/** Sealed with the keys of the payloads: only processes of this service can open it. */
@Injectable()
export class SessionSeal {
  constructor(
    private readonly cipher: PayloadCipher,
    private readonly clock: Clock,
  ) {}

  start(token: string): string {
    const now = this.clock.now();
    return this.seal({
      token,
      csrf: randomBytes(CSRF_BYTES).toString('base64url'),
      startedAt: now,
      sealedAt: now,
    });
  }

  /** @returns undefined for a session that is forged, expired, or sealed with a removed key */
  open(sealed: string): SealedSession | undefined {
    const session = this.read(sealed);
    if (session === undefined) return undefined;
    const now = this.clock.now();
    const isOver = now - session.sealedAt > LIFE.idleMs || now - session.startedAt > LIFE.wholeMs;
    return isOver ? undefined : session;
  }

  /** @returns undefined if the cookie needs no renewal yet */
  renew(session: SealedSession): string | undefined {
    const now = this.clock.now();
    if (now - session.sealedAt < LIFE.renewAfterMs) return undefined;
    return this.seal({ ...session, sealedAt: now });
  }

  private seal(session: SealedSession): string {
    return this.cipher.encrypt(JSON.stringify(session), BINDING);
  }

  private read(sealed: string): SealedSession | undefined {
    try {
      return shape.parse(JSON.parse(this.cipher.decrypt(sealed, BINDING)));
    } catch {
      return undefined;
    }
  }
}
