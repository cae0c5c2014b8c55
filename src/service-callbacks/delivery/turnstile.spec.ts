import { describe, expect, it } from '@jest/globals';
import { Turnstile } from './turnstile.js';

describe('Turnstile', () => {
  it('lets no more through at a time than it has places, in order, and all in the end', async () => {
    const turnstile = new Turnstile(2);
    let inside = 0;
    let most = 0;
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 20 }, (_, turn) =>
        turnstile.pass(async () => {
          order.push(turn);
          inside += 1;
          most = Math.max(most, inside);
          await new Promise(setImmediate);
          inside -= 1;
        }),
      ),
    );
    expect(most).toBe(2);
    expect(order).toEqual(Array.from({ length: 20 }, (_, turn) => turn));
  });

  it('holds nobody back once it is open', async () => {
    const turnstile = new Turnstile(1);
    const never = new Promise<never>(() => undefined);
    void turnstile.pass(() => never);
    const waiting = turnstile.pass(async () => 'waited');
    turnstile.open();
    await expect(waiting).resolves.toBe('waited');
    await expect(turnstile.pass(async () => 'came later')).resolves.toBe('came later');
  });

  it('lets those go who have waited too long, and is as narrow as before after', async () => {
    const turnstile = new Turnstile(1, 1);
    const { promise: hung, resolve: end } = Promise.withResolvers<void>();
    const first = turnstile.pass(() => hung);
    let inside = 0;
    let most = 0;
    const others = Array.from({ length: 5 }, () =>
      turnstile.pass(async () => {
        inside += 1;
        most = Math.max(most, inside);
        await hung;
        inside -= 1;
      }),
    );
    while (inside < others.length) await new Promise(setImmediate);
    end();
    await Promise.all([first, ...others]);
    most = 0;
    await Promise.all(
      Array.from({ length: 5 }, () =>
        turnstile.pass(async () => {
          inside += 1;
          most = Math.max(most, inside);
          inside -= 1;
        }),
      ),
    );
    expect(most).toBe(1);
  });

  it('gives the place on when work fails', async () => {
    const turnstile = new Turnstile(1);
    const failed = turnstile.pass(async () => {
      throw new Error('no');
    });
    const next = turnstile.pass(async () => 'yes');
    await expect(failed).rejects.toThrow('no');
    await expect(next).resolves.toBe('yes');
  });
});
