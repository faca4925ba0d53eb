import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { tailAudit } from '../../src/index.ts';
import { scratch } from './log.ts';

/** What is read at once; lines of about this length begin and end at all places of it. */
const BLOCK = 64 * 1024;

const length = fc.oneof(
  { weight: 4, arbitrary: fc.nat(40) },
  { weight: 2, arbitrary: fc.integer({ min: BLOCK - 3, max: BLOCK + 3 }) },
  { weight: 1, arbitrary: fc.nat(3 * BLOCK) },
);
/** A line that tells itself apart, in characters of one to three bytes; or an empty one. */
const line = fc
  .tuple(length, fc.constantFrom('x', 'ü', '…'), fc.nat())
  .map(([bytes, letter, n]) => letter.repeat(bytes / Buffer.byteLength(letter)) + (bytes > 20 ? n : ''));
/** A file's whole lines, and what stands after the last of them. */
const content = fc.tuple(fc.array(line, { maxLength: 12 }), fc.oneof(fc.constant(''), line));

it('is the end of what all files hold in whole lines, wherever they begin', async () => {
  const path = join(await scratch(), 'audit.jsonl');
  const count = fc.oneof(fc.integer({ min: 1, max: 30 }), fc.constant(Number.POSITIVE_INFINITY));
  await fc.assert(
    fc.asyncProperty(content, content, count, async (rotated, current, count) => {
      await write(`${path}.1`, rotated);
      await write(path, current);
      const lines = [...rotated[0], ...current[0]].filter((each) => each !== '');
      expect(await tailAudit(path, count)).toEqual(lines.slice(-count));
    }),
    { numRuns: 300 },
  );
});

async function write(path: string, [lines, torn]: [string[], string]): Promise<void> {
  await writeFile(path, lines.map((each) => `${each}\n`).join('') + torn);
}
