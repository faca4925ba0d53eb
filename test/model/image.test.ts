import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type ImageSite, imageSite } from '../support/image.ts';
import { installSteps } from './crash.ts';
import { checkSequences } from './property.ts';
import { useWorlds } from './worlds.ts';

vi.mock('execa', async (load) => {
  const { steppingBefore } = await import('./programs.ts');
  const execa = await load<typeof import('execa')>();
  return { ...execa, execa: steppingBefore(execa.execa as never) };
});

let site: ImageSite | null = null;
let skipped: string | null = null;
beforeAll(async () => {
  const made = await imageSite();
  if ('skipped' in made) skipped = made.skipped;
  else {
    site = made;
    await made.make({ bytes: 512e6 });
  }
  await installSteps();
});
afterAll(() => site?.close());

const inWorld = useWorlds({ inImage: () => site?.root ?? '', capBytes: 20e6 });

/** Of the sequences that others try: here each clone and deletion waits for the kernel. */
const SHARE = 0.05;

it('keeps what is in use and accounts for what goes in an image, each clone with its cap, in any sequence of events and crashes', async (context) => {
  if (skipped !== null) return context.skip(skipped);
  await checkSequences(inWorld, { redisOnHost: false, share: SHARE });
  expect(site).not.toBeNull();
});
