import type { AuditRecord } from '@spica/client';
import { auditQuerySchema } from '@spica/client/wire';
import { expect, test } from 'vitest';
import {
  furtherFacts,
  isOpenEnded,
  mergeEntries,
  readAuditFilter,
  toAuditQuery,
} from '../../../src/views/audit/audit-query.ts';

const read = (text: string) => readAuditFilter(new URLSearchParams(text));
const entry = (seq: number, more: object = {}) =>
  ({ seq, action: 'pin_instance', outcome: 'pinned', ...more }) as AuditRecord;

test('what a URL asks of the log is what the API is asked for', () => {
  const filter = read(
    'action=delete_instance&outcome=failed&instance=i&request=r&by=ada&since=2026-01-01T00:00Z&until=2026-01-02',
  );
  const { pool, ...query } = toAuditQuery(filter, { pool: 'main', limit: 100, before: '70' });
  expect(pool).toBe('main');
  expect(auditQuerySchema.parse(query)).toEqual({
    action: 'delete_instance',
    outcome: 'failed',
    instance: 'i',
    request: 'r',
    by: 'ada',
    since: '2026-01-01T00:00:00.000Z',
    until: '2026-01-02T00:00:00.000Z',
    limit: 100,
    before: 70,
  });
  expect(read('since=yesterday&by=+&follow=no')).toEqual({});
});

test('what ends in the past does not go on', () => {
  const at = Date.parse('2026-01-02T00:00:00Z');
  expect([
    isOpenEnded({}, at),
    isOpenEnded(read('until=2026-01-03'), at),
    isOpenEnded(read('until=2026-01-01'), at),
  ]).toEqual([true, true, false]);
});

test('new and older entries stand among the others, the newest first, each once', () => {
  const merged = mergeEntries([entry(7), entry(5)], [entry(5), entry(9), entry(2)]);
  expect(merged.map(({ seq }) => seq)).toEqual([9, 7, 5, 2]);
});

test('an entry says what it has beside what all have', () => {
  expect(furtherFacts(entry(1, { reason: 'why', by: 'ada', rule: null, matched: 0 }))).toEqual([
    ['by', 'ada'],
    ['matched', 0],
  ]);
});
