import { expect, it } from 'vitest';
import { parsePayload } from '../../src/payload/parse.ts';
import { prunePayloadSchema } from '../../src/payload/prune.ts';
import { spawnRequestSchema } from '../../src/payload/request.ts';
import { samplePayloadSchema } from '../../src/payload/sample.ts';
import { aRequest } from '../request.ts';

const parseRequest = (data: unknown) => parsePayload(spawnRequestSchema, data, 'gate job 7');

it('hands back a payload that is as it must be', () => {
  const request = aRequest({ count: 10_000, params: { A: 1, B: 'x', C: true }, labels: { team: 'red' } });
  expect(parseRequest(request)).toEqual(request);
});

it.each<[string, unknown, RegExp]>([
  ['count', 0, /^gate job 7: count: expected a whole number from 1 to 10000, got 0$/],
  ['count', 1.5, /count: expected a whole number from 1 to 10000, got 1.5$/],
  ['count', 1e9, /count: expected a whole number from 1 to 10000, got 1000000000$/],
  ['count', '3', /count: expected a whole number from 1 to 10000, got "3"$/],
  ['parent', '../../etc', /parent: expected an instance id like spica-0123456789ab, got "..\/..\/etc"$/],
  ['params', { A: ['x'] }, /params\.A: .*got \["x"\]$/],
  ['labels', { team: 'x'.repeat(201) }, /labels\.team: .*got "x{79}…$/],
  ['notes', 7, /notes: .*got 7$/],
  ['maxWaitMs', -1, /maxWaitMs: expected a whole number from 0 to 3153600000000 \(milliseconds\), got -1$/],
  ['maxWaitMs', 9e15, /maxWaitMs: expected .* to 3153600000000 .*got 9000000000000000$/],
  ['ttlMs', 0, /ttlMs: expected a whole number from 1 to 3153600000000 .*got 0$/],
  ['ttlMs', 9e15, /ttlMs: expected .* to 3153600000000 .*got 9000000000000000$/],
  [
    'lease',
    { owner: 'ada', tokenHash: '0'.repeat(64), ms: 9e15 },
    /lease\.ms: expected .* to 3153600000000 .*got 9000000000000000$/,
  ],
])('names the field %s, its value %j and what was expected', (field, value, message) => {
  const parse = () => parseRequest({ ...aRequest(), [field]: value });
  expect(parse).toThrow(message);
  expect(parse).toThrow(expect.objectContaining({ kind: 'usage', code: 'PAYLOAD_INVALID' }));
});

it('refuses a payload that is nothing, and fields that it does not know', () => {
  expect(() => parseRequest(undefined)).toThrow(/^gate job 7: \(payload\): /);
  expect(() => parseRequest(null)).toThrow(/got null$/);
  expect(() => parseRequest({ ...aRequest(), shell: 'rm -rf /' })).toThrow(/shell/);
});

it('reports all that is wrong at once', () => {
  expect(() => parseRequest({ ...aRequest(), count: 0, notes: 7 })).toThrow(/count: .*; notes: /);
});

it('refuses an id that could lead out of the pool, in every job that names one', () => {
  for (const id of ['..', '/etc', 'spica-', 'spica-XY', 'spica-0123456789ab/..', 'spica-0123456789ab\n']) {
    const expected = `expected an instance id like spica-0123456789ab, got ${JSON.stringify(id)}`;
    const restore = { pool: 'main', cause: 'restore', id };
    expect(() => parsePayload(prunePayloadSchema, restore, 'prune job')).toThrow(`id: ${expected}`);
    const sample = { pool: 'main', ids: ['spica-0123456789ab', id] };
    expect(() => parsePayload(samplePayloadSchema, sample, 'sample job')).toThrow(`ids.1: ${expected}`);
    expect(() => parseRequest(aRequest({ parent: id }))).toThrow(`parent: ${expected}`);
  }
});
