import { createHmac } from 'node:crypto';
import { countOf } from '../units/count.ts';
import { isoTime } from '../units/time.ts';
import type { NotifyEvent, NotifyFormat } from './events.ts';
import type { Notice, NoticeItem } from './notice.ts';

/** What is sent to one receiver: notices of one event and pool that came within moments. */
export interface Message {
  readonly id: string;
  /** `test` for what an operator asks for. */
  readonly event: NotifyEvent | 'test';
  readonly pool: string | null;
  readonly state: Notice['state'];
  readonly host: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly items: readonly NoticeItem[];
  /** How many there were; `items` has the first of them. */
  readonly count: number;
}

/** What goes over the wire: the body of a POST, and headers besides the signature. */
export interface Wire {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** More are counted, and not listed. */
export const MOST_ITEMS = 1_000;
/** A person reads no more; a program has them all. */
const SHOWN = 20;

const TITLES: Readonly<Record<Message['event'], (count: number) => string>> = {
  critical: () => 'the disk is nearly full',
  short: () => 'the disk is below its floor',
  held_over: () => 'requests wait for too long',
  cap: (count) => `${countOf(count, 'instance')} came to a cap`,
  oversize: (count) => `${countOf(count, 'instance')} became too large`,
  audit_broken: () => "the audit log's chain does not hold",
  deletes_soon: (count) => `${countOf(count, 'instance')} will be deleted within a day`,
  deleted: (count) => `${countOf(count, 'instance')} deleted`,
  test: () => 'a test message',
};

/** ntfy's priorities: 5 rings through the night. */
const PRIORITIES: Readonly<Partial<Record<Message['event'], string>>> = {
  critical: '5',
  audit_broken: '5',
  short: '4',
  held_over: '4',
};

/** A message in one line. */
export function titleOf({ event, pool, state, count }: Message): string {
  const over = state === 'over' ? ' – over' : '';
  return `Spica${pool === null ? '' : `, pool ${pool}`}: ${TITLES[event](count)}${over}`;
}

/** A message as its receiver wants it. */
export function toWire(message: Message, format: NotifyFormat): Wire {
  switch (format) {
    case 'slack':
      return json({ text: escapeSlack(`*${titleOf(message)}*\n${textOf(message)}`) });
    case 'ntfy':
      return {
        body: textOf(message),
        headers: {
          'content-type': 'text/plain; charset=utf-8',
          // A header is of ASCII; the names of pools are.
          title: titleOf(message).replace('–', '-'),
          priority: message.state === 'over' ? '3' : (PRIORITIES[message.event] ?? '3'),
          tags: message.state === 'over' ? 'white_check_mark' : 'floppy_disk',
        },
      };
    case 'json': {
      const { at, items, ...rest } = message;
      const said = { title: titleOf(message), text: textOf(message) };
      return json({ schema: 'spica.notification/v1', ...rest, at: isoTime(at), ...said, items });
    }
  }
}

/**
 * The header `Spica-Signature`: the time in seconds, and the HMAC-SHA256 (hex) of that time, a dot and the body under the
 * receiver's secret. Who checks it refuses what is older than some minutes.
 */
export function signBody(body: string, secret: string, at: number): string {
  const seconds = Math.floor(at / 1_000);
  const hmac = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return `t=${seconds},v1=${hmac}`;
}

function json(value: unknown): Wire {
  return { body: JSON.stringify(value), headers: { 'content-type': 'application/json' } };
}

function textOf({ items, count, host }: Message): string {
  const shown = items.slice(0, SHOWN);
  const more = count - shown.length;
  const lines = [...shown.map(({ text }) => text), ...(more > 0 ? [`and ${more} more`] : [])];
  return [...lines, `on ${host}`].join('\n');
}

/** What Slack takes for markup; and mentions begin with `<`. */
function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
