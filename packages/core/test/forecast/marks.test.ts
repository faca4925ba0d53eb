import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addMarks, type HistoryMark, type Marked, markOf } from '../../src/index.ts';

const NOW = Date.parse('2026-11-29T14:00:00Z');
const MIN = 60_000;
const DAY = 24 * 60 * MIN;

const line = (action: string, outcome: string, change: Partial<Marked> = {}): Marked => ({
  seq: 7,
  timestamp: '2026-11-29T13:00:00Z',
  action,
  outcome,
  instance: 'spica-0001',
  request: 'req-1',
  reason: 'why',
  bytes: 1e9,
  ...change,
});
const deletion = (at: number, seq: number): HistoryMark => {
  const found = markOf(line('delete_instance', 'trashed', { seq, timestamp: new Date(at).toISOString() }));
  if (!found) throw new Error('expected a mark');
  return found;
};

describe('a mark', () => {
  it.each([
    ['deletion', 'spica-0001 was deleted: why', line('delete_instance', 'trashed')],
    ['held', 'request req-1 is held: why', line('hold_request', 'held')],
    ['level', 'pressure on the disk: ok → low: why', line('pressure', 'ok → low')],
    ['cap', 'spica-0001 came to its cap: why', line('oversize', 'at its cap')],
    ['cap', 'spica-0001 grew beyond max_instance_gb', line('oversize', 'flagged', { reason: null })],
  ])('of the kind %s says %s', (kind, text, entry) => {
    expect(markOf(entry)).toMatchObject({ kind, text, count: 1, seq: 7, at: NOW - 60 * MIN });
  });

  it.each([
    line('delete_instance', 'intent'),
    line('delete_instance', 'deleted'),
    line('oversize', 'no longer'),
    line('admit_request', 'admitted'),
    line('hold_request', 'held', { timestamp: 'noon' }),
  ])('is no intent, nor the second word on a deletion, nor what happens all the time: %j', (entry) => {
    expect(markOf(entry)).toBeNull();
  });
});

describe('marks', () => {
  it('that lie close together for their age are one, with the last of them to be looked up', () => {
    const old = [deletion(NOW - DAY, 1), deletion(NOW - DAY + 30 * MIN, 2)];
    const fresh = [deletion(NOW - 30 * MIN, 3), deletion(NOW - 5 * MIN, 4)];
    expect(addMarks(old, fresh, NOW)).toMatchObject([
      { count: 2, bytes: 2e9, seq: 2, at: NOW - DAY + 30 * MIN, text: '2 instances were deleted, 2.0 GB' },
      { count: 1, seq: 3 },
      { count: 1, seq: 4 },
    ]);
  });

  it('of pressure say the worst of what was entered', () => {
    const at = (minutes: number) => new Date(NOW - 2 * DAY + minutes * MIN).toISOString();
    const found = ['ok → critical', 'critical → low', 'low → ok'].flatMap(
      (outcome, i) => markOf(line('pressure', outcome, { timestamp: at(i), seq: i })) ?? [],
    );
    const [mark] = addMarks([], found, NOW);
    expect(mark?.text).toBe('the pressure on the disk changed 3 times, at worst to critical');
  });

  it('lose nothing but what is older than a month, and stay some hundred, however much happens', () => {
    const ages = fc.array(fc.integer({ min: 0, max: 29 * DAY }), { maxLength: 3_000 });
    fc.assert(
      fc.property(ages, (found) => {
        const all = found.toSorted((a, b) => b - a).map((age, i) => deletion(NOW - age, i + 1));
        let marks: HistoryMark[] = [];
        for (let i = 0; i < all.length; i += 100) {
          const part = all.slice(i, i + 100);
          marks = addMarks(marks, part, part.at(-1)?.at ?? NOW);
        }
        marks = addMarks(marks, [], NOW);
        expect(marks.reduce((sum, { count }) => sum + count, 0)).toBe(all.length);
        expect(marks.length).toBeLessThan(300);
        expect(addMarks(marks, [], NOW + 31 * DAY)).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });
});
