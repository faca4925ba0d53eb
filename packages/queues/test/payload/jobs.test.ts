import { describe, expect, it } from 'vitest';
import type * as z from 'zod';
import { parsePayload } from '../../src/payload/parse.ts';
import { type PrunePayload, prunePayloadSchema } from '../../src/payload/prune.ts';
import { type GatePayload, gatePayloadSchema } from '../../src/payload/request.ts';
import { preparePayloadSchema, spawnPayloadSchema } from '../../src/payload/spawn.ts';
import { aRequest } from '../request.ts';

const REASON = /^[^\n]+$/;

function refused(schema: z.ZodType, data: unknown): string {
  try {
    parsePayload(schema, data, 'job 7');
  } catch (error) {
    expect(error).toMatchObject({
      kind: 'usage',
      code: 'PAYLOAD_INVALID',
      message: expect.stringMatching(REASON),
    });
    return (error as Error).message;
  }
  throw new Error(`expected it to be refused: ${JSON.stringify(data)}`);
}

function aGateJob(change: Partial<GatePayload> = {}): GatePayload {
  return {
    request: aRequest(),
    submittedAt: 1,
    life: '0123abcd',
    step: 'decide',
    round: 0,
    heldAt: null,
    fingerprint: null,
    prepared: 0,
    preparation: null,
    admitted: null,
    failure: null,
    ...change,
  };
}

describe('a job of the gate', () => {
  it('is taken at each step, with all that it may carry then', () => {
    const admitted = {
      fingerprint: 'f',
      generation: 2,
      each: { bytes: 60, inodes: 6 },
      expected: { bytes: 40, inodes: 4 },
    };
    for (const payload of [
      aGateJob(),
      aGateJob({ step: 'decide', round: 3, heldAt: 9, preparation: { bytes: 5, inodes: 1 } }),
      aGateJob({ step: 'prepare', round: 1 }),
      aGateJob({ step: 'reclaim', round: 2, fingerprint: 'f' }),
      aGateJob({ step: 'spawn', round: 3, fingerprint: 'f', admitted }),
      aGateJob({ step: 'undo', admitted, failure: { code: 'NO_SPACE', message: 'full', holds: true } }),
    ]) {
      expect(parsePayload(gatePayloadSchema, payload, 'job 7')).toEqual(payload);
    }
  });

  it.each<[string, unknown, RegExp]>([
    ['life', undefined, /life: /],
    ['life', '0123ABCD', /life: expected eight hexadecimal digits, got "0123ABCD"$/],
    ['life', '0123abc', /life: expected eight hexadecimal digits/],
    ['life', '0123abcd\n', /life: expected eight hexadecimal digits/],
    ['life', '../abcde', /life: expected eight hexadecimal digits/],
    ['step', 'preflight', /step: .*got "preflight"$/],
    ['round', -1, /round: .*got -1$/],
    ['round', 0.5, /round: .*got 0\.5$/],
    ['heldAt', undefined, /heldAt: /],
    ['preparation', { bytes: -1, inodes: 0 }, /preparation\.bytes: .*got -1$/],
    ['admitted', { fingerprint: 'f', generation: 0, each: { bytes: 1, inodes: 1 } }, /admitted\.expected: /],
    ['failure', { code: 'NO_SPACE', message: 'full' }, /failure\.holds: /],
    [
      'request',
      { ...aRequest(), count: 0 },
      /request\.count: expected a whole number from 1 to 10000, got 0$/,
    ],
    ['reclaimRound', 1, /reclaimRound: unknown key/],
  ])('is refused for its %s: %j', (field, value, message) => {
    expect(refused(gatePayloadSchema, { ...aGateJob(), [field]: value })).toMatch(message);
  });
});

describe('a job of the spawn queue', () => {
  it('names its request and index, and carries nothing else of it', () => {
    const spawn = { pool: 'main', request: 'req-1', index: 9_999 };
    expect(parsePayload(spawnPayloadSchema, spawn, 'job 7')).toEqual(spawn);
    for (const field of ['id', 'params', 'template', 'lease', 'notes']) {
      expect(refused(spawnPayloadSchema, { ...spawn, [field]: 'x' })).toContain(`${field}: unknown key`);
    }
    expect(refused(spawnPayloadSchema, { ...spawn, index: -1 })).toMatch(/index: .*got -1$/);
    expect(refused(spawnPayloadSchema, { ...spawn, index: '0' })).toMatch(/index: .*got "0"$/);
    expect(refused(spawnPayloadSchema, { ...spawn, request: '' })).toMatch(/request: .*got ""$/);
    expect(refused(spawnPayloadSchema, { ...spawn, pool: undefined })).toMatch(/pool: /);
  });

  it('or has a template prepared for a request', () => {
    const prepare = { pool: 'main', request: 'req-1', template: 'default' };
    expect(parsePayload(preparePayloadSchema, prepare, 'job 7')).toEqual(prepare);
    expect(refused(preparePayloadSchema, { ...prepare, template: '' })).toMatch(/template: .*got ""$/);
    expect(refused(preparePayloadSchema, { pool: 'main', template: 't' })).toMatch(/request: /);
  });
});

describe('a job of the prune queue', () => {
  const amount = { bytes: 1, inodes: 0, slots: 2 };
  const jobs: readonly PrunePayload[] = [
    { pool: 'main', cause: 'schedule' },
    { pool: 'main', cause: 'operator', maxInstances: 0, maxAgeMs: null },
    { pool: 'main', cause: 'request', from: null, request: 'req-1', need: amount, shortfall: amount },
    { pool: 'main', cause: 'pressure', shortfall: amount },
    { pool: 'main', cause: 'sealed', digest: 'abc' },
    { pool: 'main', cause: 'trash', all: false },
    { pool: 'main', cause: 'restore', id: 'spica-0123456789ab' },
    { pool: 'main', cause: 'reconcile' },
    { pool: 'main', cause: 'undo', request: 'req-1', count: 10_000, reason: '' },
  ];

  it.each(jobs.map((job) => [job.cause, job] as const))(
    'is taken for the cause %s, and none of its parts may lack',
    (_cause, job) => {
      expect(parsePayload(prunePayloadSchema, job, 'job 7')).toEqual(job);
      for (const field of Object.keys(job)) {
        expect(refused(prunePayloadSchema, { ...job, [field]: undefined })).toContain(`${field}: `);
      }
      expect(refused(prunePayloadSchema, { ...job, shell: 'rm -rf /' })).toContain('shell: unknown key');
    },
  );

  it('is refused for a cause that there is not, and for amounts that there cannot be', () => {
    expect(refused(prunePayloadSchema, { pool: 'main', cause: 'whim' })).toMatch(/cause: /);
    const undo = { pool: 'main', cause: 'undo', request: 'req-1', count: 0, reason: '' };
    expect(refused(prunePayloadSchema, undo)).toMatch(/count: .*got 0$/);
    const pressure = { pool: 'main', cause: 'pressure', shortfall: { ...amount, bytes: -1 } };
    expect(refused(prunePayloadSchema, pressure)).toMatch(/shortfall\.bytes: .*got -1$/);
  });
});
