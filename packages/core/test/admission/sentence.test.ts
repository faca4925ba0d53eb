import { expect, it } from 'vitest';
import { type AdmissionInput, decideAdmission } from '../../src/index.ts';
import { admissionInput } from './input.ts';

const sum = '61.0 GB available − 9.3 reserved − 14.2 growth − 20.0 floor = 17.5 GB';
const beyond =
  'the whole disk has no more: on an empty pool one instance is let in as a trial; `spica profile` shows, forgets or ' +
  'sets what is expected';
const replicas = { plan: { epochs: 2, slicesPerEpoch: 4, replicasPerSlice: 8 } };

const GOLDEN: readonly [kind: string, change: Partial<AdmissionInput>, sentence: string][] = [
  ['admitted', {}, `needs 12.4 GB (8 × 1.55 GB, p95 of 120 samples); ${sum}: admitted`],
  [
    'admitted by one sample, with safety',
    { basis: { from: 'samples', n: 1 }, safetyFactor: 1.1 },
    `needs 13.6 GB (8 × 1.55 GB, p95 of 1 sample, × 1.1 for safety); ${sum}: admitted`,
  ],
  [
    "by an experiment's own samples",
    { basis: { from: 'samples', n: 12, experiment: 'e7' } },
    `needs 12.4 GB (8 × 1.55 GB, p95 of 12 samples of experiment e7); ${sum}: admitted`,
  ],
  [
    'by a prior',
    { basis: { from: 'prior', factor: 2 } },
    `needs 12.4 GB (8 × 1.55 GB, a prior, as nothing was measured yet: the prepared snapshot × 2); ${sum}: admitted`,
  ],
  [
    'by what the clone allocates',
    { basis: { from: 'snapshot' } },
    `needs 12.4 GB (8 × 1.55 GB, the prepared snapshot's size); ${sum}: admitted`,
  ],
  ['short of bytes', { count: 12 }, `needs 18.6 GB (12 × 1.55 GB, p95 of 120 samples); ${sum}: 1.1 GB short`],
  [
    'short of inodes',
    { space: { availableBytes: 61e9, totalBytes: 144e9, freeInodes: 100_000, totalInodes: 1_000_000 } },
    `needs 12.4 GB (8 × 1.55 GB, p95 of 120 samples); ${sum}; needs 24000 inodes (8 × 3000); ` +
      '100000 available − 10000 reserved − 20000 growth − 50000 floor = 20000: 4000 inodes short',
  ],
  [
    'short of slots',
    { maxInstances: 20 },
    `needs 12.4 GB (8 × 1.55 GB, p95 of 120 samples); ${sum}: ` +
      '2 instances too many (10 there + 4 reserved + 8 asked for, max_instances is 20)',
  ],
  [
    'short of both bytes and slots',
    { count: 12, maxInstances: 20 },
    `needs 18.6 GB (12 × 1.55 GB, p95 of 120 samples); ${sum}: 1.1 GB short, ` +
      '6 instances too many (10 there + 4 reserved + 12 asked for, max_instances is 20)',
  ],
  [
    'with replicas that were never measured',
    {
      count: 1,
      perInstance: { bytes: 0.5e9, inodes: 3_000 },
      replicas: { ...replicas, basis: { from: 'overhead', overhead: 0.2 } },
    },
    'needs 6.9 GB (1 × 500 MB, p95 of 120 samples; + 1 × 2 × 4 × 8 replicas × 100 MB, ' +
      `replica_overhead 0.2 of an instance, not measured yet); ${sum}: admitted`,
  ],
  [
    'with replicas that were measured',
    {
      count: 2,
      replicas: { ...replicas, basis: { from: 'samples', n: 30, size: { bytes: 12e6, inodes: 20 } } },
    },
    'needs 4.6 GB (2 × 1.55 GB, p95 of 120 samples; + 2 × 2 × 4 × 8 replicas × 12.0 MB, p95 of 30 samples); ' +
      `${sum}: admitted`,
  ],
  [
    'more instances than the pool may have',
    { count: 41 },
    'asks for 41 instances; max_instances is 40: can never fit',
  ],
  [
    'more bytes than the disk has',
    { count: 40, perInstance: { bytes: 4.6e9, inodes: 1 } },
    'needs 184.0 GB (40 × 4.60 GB, p95 of 120 samples); ' +
      `${sum}: 166.5 GB short, 14 instances too many (10 there + 4 reserved + 40 asked for, max_instances is 40), and ` +
      `${beyond}`,
  ],
  [
    'clones that are more than the disk has',
    { count: 40, perInstance: { bytes: 4.6e9, inodes: 1 }, certain: { bytes: 4e9, inodes: 1 } },
    'needs 184.0 GB (40 × 4.60 GB, p95 of 120 samples); the disk has 144.0 GB, of which 20.0 GB are the floor: ' +
      'can never fit',
  ],
  [
    'by few samples, of which one is a runaway',
    { basis: { from: 'samples', n: 4, largest: 310e9 } },
    `needs 12.4 GB (8 × 1.55 GB, p95 of 4 samples, the largest (310 GB) alone not decisive); ${sum}: admitted`,
  ],
  [
    "by an operator's word",
    { basis: { from: 'set', by: 'ada' } },
    `needs 12.4 GB (8 × 1.55 GB, set by ada with \`spica profile set\`); ${sum}: admitted`,
  ],
  [
    'a trial on an empty pool',
    {
      count: 1,
      perInstance: { bytes: 200e9, inodes: 1 },
      instances: 0,
      reserved: { bytes: 0, inodes: 0, slots: 0 },
      growth: { bytes: 0, inodes: 0 },
    },
    'needs 200.0 GB (1 × 200 GB, p95 of 120 samples); 61.0 GB available − 0.0 reserved − 0.0 growth − 20.0 floor = ' +
      '41.0 GB: 159.0 GB short, but the pool is empty: admitted as a trial with what there is',
  ],
  [
    'more bytes than the disk has, by a prior',
    { count: 40, perInstance: { bytes: 4.6e9, inodes: 1 }, basis: { from: 'prior', factor: 2 } },
    'needs 184.0 GB (40 × 4.60 GB, a prior, as nothing was measured yet: the prepared snapshot × 2); the disk has ' +
      '144.0 GB, of which 20.0 GB are the floor: can never fit; ask for fewer, so that their size is measured, ' +
      'or lower disk.prior_factor',
  ],
  [
    'more inodes than the disk has',
    { perInstance: { bytes: 1, inodes: 200_000 } },
    `needs 8 B (8 × 1 B, p95 of 120 samples); ${sum}; needs 1600000 inodes (8 × 200000); 900000 available − 10000 ` +
      `reserved − 20000 growth − 50000 floor = 820000: 780000 inodes short, and ${beyond}`,
  ],
  [
    'on a small disk, in its own unit, and small terms in theirs',
    {
      count: 1,
      perInstance: { bytes: 4e6, inodes: 10 },
      certain: { bytes: 4e6, inodes: 10 },
      space: { availableBytes: 190e6, totalBytes: 256e6, freeInodes: null, totalInodes: null },
      reserved: { bytes: 12_000, inodes: 0, slots: 1 },
      growth: { bytes: 0, inodes: 0 },
      floor: { bytes: 32e6, inodes: 0 },
    },
    'needs 4.0 MB (1 × 4.00 MB, p95 of 120 samples); 190.0 MB available − 12.0 kB reserved − 0.0 growth − 32.0 floor ' +
      '= 158.0 MB: admitted',
  ],
];

it.each(GOLDEN)('names every figure: %s', (_kind, change, sentence) => {
  expect(decideAdmission(admissionInput(change)).sentence).toBe(sentence);
});

it('says what each is capped at, where what is reserved is a cap', () => {
  const { sentence } = decideAdmission(
    admissionInput({ count: 2, perInstance: { bytes: 2e9, inodes: 1 }, safetyFactor: 1.1, isCap: true }),
  );
  expect(sentence).toContain('needs 4.4 GB (2 × 2.00 GB');
  expect(sentence).toContain('× 1.1 for safety; each is capped at 2.20 GB);');
});
