import { describe, expect, it } from '@jest/globals';
import { RoundRobin } from './round-robin.js';

function filled(...items: string[]): RoundRobin<string> {
  const queue = new RoundRobin<string>();
  for (const item of items) queue.add(item.slice(0, 1), item);
  return queue;
}

function drained(queue: RoundRobin<string>): string[] {
  const items: string[] = [];
  for (let item = queue.take(); item !== undefined; item = queue.take()) items.push(item);
  return items;
}

describe('a round robin', () => {
  it('takes one item of each key in turn, and those of one key in order', () => {
    expect(drained(filled('a1', 'a2', 'a3', 'b1', 'c1', 'c2'))).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3']);
  });

  it('gives a key that comes later its turn after one item of each other', () => {
    const queue = filled('a1', 'a2', 'a3');
    queue.take();
    queue.add('b', 'b1');
    expect(drained(queue)).toEqual(['a2', 'b1', 'a3']);
  });

  it('shows the item whose turn it is', () => {
    const queue = filled('a1', 'b1');
    expect([queue.next, queue.take(), queue.next]).toEqual(['a1', 'a1', 'b1']);
  });

  it('takes the first items of each key that a condition holds for', () => {
    const queue = filled('a1', 'a2', 'b2', 'b1', 'c1');
    expect(queue.takeWhile((item) => item.endsWith('1'))).toEqual(['a1', 'c1']);
    expect(drained(queue)).toEqual(['a2', 'b2', 'b1']);
  });

  it('knows which keys wait', () => {
    const queue = filled('a1');
    expect([queue.has('a'), queue.has('b')]).toEqual([true, false]);
    queue.take();
    expect([queue.has('a'), queue.next, queue.take()]).toEqual([false, undefined, undefined]);
  });
});
