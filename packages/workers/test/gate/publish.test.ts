import type { GateFigures, PublishedLine } from '@spica/catalog';
import { FilesystemTotals, systemClock } from '@spica/core';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { createPublisher } from '../../src/gate/publish.ts';
import { GateState } from '../../src/gate/state.ts';

const logger = pino({ level: 'silent' });

/** A gate and its publisher; `lines` has what of the line was sent each time, by ids (null: as before). */
function publishing() {
  const filesystem = { id: 'disk', totals: new FilesystemTotals(), lines: new Set() } as never;
  const gate = new GateState(filesystem, { isOpen: async () => true, onError: () => undefined });
  const lines: (string[] | null)[] = [];
  let lost = false;
  const catalog = {
    async publishGate(_figures: GateFigures, line: PublishedLine | null) {
      lines.push(line?.held.map(({ request }) => request) ?? null);
      const outcome = lost && line === null ? 'line-missing' : 'published';
      lost = false;
      return outcome as 'published' | 'line-missing';
    },
  };
  const publisher = createPublisher({ gate, catalog, clock: systemClock, clockGuard: systemClock, logger });
  const hold = (request: string, reason: string) => {
    const job = { promote: async () => undefined };
    const held = { request, heldAt: 1, submittedAt: 1, count: 1, reason, short: null, need: null, job };
    return gate.line.hold(held, null);
  };
  const lose = () => {
    lost = true;
  };
  return { gate, publisher, lines, hold, lose };
}

it('sends the line only when somebody joined it, left it, or waits for another reason', async () => {
  const { gate, publisher, lines, hold } = publishing();
  await publisher.now();
  await publisher.now();
  await hold('a', 'short');
  await publisher.now();
  await hold('a', 'short');
  await publisher.now();
  await hold('a', 'behind b');
  await publisher.now();
  await gate.line.leave('a');
  await publisher.now();
  expect(lines).toEqual([[], null, ['a'], null, ['a'], []]);
});

it('sends the line again where Redis has lost it', async () => {
  const { publisher, lines, hold, lose } = publishing();
  await hold('a', 'short');
  await publisher.now();
  lose();
  await publisher.now();
  expect(lines).toEqual([['a'], null, ['a']]);
});
