import { createHmac } from 'node:crypto';
import { expect, it } from 'vitest';
import { createNotices, type Message, signBody, titleOf, toWire, type WorkEvent } from '../../src/index.ts';

const AT = Date.UTC(2026, 10, 24, 12);
const MESSAGE: Message = {
  id: 'm-1',
  event: 'critical',
  pool: 'main',
  state: 'on',
  host: 'disk-7',
  at: AT,
  items: [{ text: '8.0 GB free <now> & falling' }],
  count: 1,
};

const bodyOf = (message: Message, format: 'json' | 'slack' | 'ntfy') => toWire(message, format).body;

it('is JSON with what happened in words and in fields', () => {
  expect(JSON.parse(bodyOf(MESSAGE, 'json'))).toEqual({
    schema: 'spica.notification/v1',
    id: 'm-1',
    event: 'critical',
    pool: 'main',
    state: 'on',
    host: 'disk-7',
    at: '2026-11-24T12:00:00.000Z',
    title: 'Spica, pool main: the disk is nearly full',
    text: '8.0 GB free <now> & falling\non disk-7',
    items: MESSAGE.items,
    count: 1,
  });
});

it("has Slack's shape, in which nothing of it is markup or mentions anybody", () => {
  const { text } = JSON.parse(bodyOf({ ...MESSAGE, items: [{ text: '<!channel> & co' }] }, 'slack'));
  expect(text).toBe('*Spica, pool main: the disk is nearly full*\n&lt;!channel&gt; &amp; co\non disk-7');
});

it("has ntfy's shape: a text, and headers of ASCII", () => {
  const { body, headers } = toWire({ ...MESSAGE, state: 'over' }, 'ntfy');
  expect(body).toBe('8.0 GB free <now> & falling\non disk-7');
  expect(headers).toMatchObject({ title: 'Spica, pool main: the disk is nearly full - over', priority: '3' });
  expect(toWire(MESSAGE, 'ntfy').headers['priority']).toBe('5');
});

it('shows the first of many to people, and all to programs', () => {
  const items = Array.from({ length: 50 }, (_, i) => ({ text: `spica-${i}` }));
  const many: Message = { ...MESSAGE, event: 'deleted', items, count: 70 };
  expect(titleOf(many)).toBe('Spica, pool main: 70 instances deleted');
  expect(bodyOf(many, 'ntfy').split('\n').slice(19)).toEqual(['spica-19', 'and 50 more', 'on disk-7']);
  expect(JSON.parse(bodyOf(many, 'json')).items).toHaveLength(50);
});

it('is signed over time and body', () => {
  const hmac = createHmac('sha256', 'key')
    .update(`${AT / 1_000}.body`)
    .digest('hex');
  expect(signBody('body', 'key', AT + 999)).toBe(`t=${AT / 1_000},v1=${hmac}`);
});

const pool = 'main';
const pressure = (before: 'ok' | 'low' | 'short' | 'critical', level: typeof before): WorkEvent => {
  return { kind: 'pressure', pool, before, level, reason: 'why' };
};
const told = (...events: readonly WorkEvent[]) => {
  const noticesOf = createNotices();
  return events.flatMap((event) => noticesOf(event)).map(({ event, state }) => `${event} ${state}`);
};

it('tells of the worst that the disk has come to, and of the end of each', () => {
  expect(told(pressure('ok', 'low'), pressure('low', 'short'))).toEqual(['short on']);
  expect(told(pressure('ok', 'critical'))).toEqual(['critical on']);
  expect(told(pressure('critical', 'short'), pressure('short', 'low'))).toEqual([
    'critical over',
    'short over',
  ]);
  expect(told(pressure('critical', 'ok'))).toEqual(['critical over', 'short over']);
});

it('tells of a broken chain once, and not of what an undo removes', () => {
  const checked = (...problems: string[]): WorkEvent => ({ kind: 'audit-checked', pool: null, problems });
  expect(told(checked(), checked('a:1'), checked('a:1'), checked(), checked())).toEqual([
    'audit_broken on',
    'audit_broken over',
  ]);
  const instance = { id: 'spica-1', reason: 'why', bytes: 5 };
  const deleted = (rule: string): WorkEvent => ({
    kind: 'deleted',
    pool,
    instances: [{ ...instance, rule }],
  });
  expect(told(deleted('undo'), deleted('age'))).toEqual(['deleted on']);
});
