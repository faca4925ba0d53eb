import { LEAST_IMAGE_BYTES, systemClock } from '@spica/core';
import { checkImage, growImage, reportImage, unmountImage } from '@spica/pool';
import { loadConfig } from '../context/config.ts';
import { choosePool } from '../context/pool.ts';
import { parseSize } from '../input/numbers.ts';
import type { Invocation } from '../io.ts';
import { writeImage } from '../output/image.ts';
import { sayWhile } from '../output/waiting.ts';
import { writeJson } from '../output/write.ts';

/** `spica image show`: how the pool's image stands. */
export async function imageShow(invocation: Invocation): Promise<number> {
  return show(invocation);
}

/** `spica image grow SIZE`: also while instances are in use. */
export async function imageGrow(invocation: Invocation): Promise<number> {
  const sizeBytes = parseSize('size', invocation.args[0] ?? '', { least: LEAST_IMAGE_BYTES });
  const place = await placeOf(invocation);
  await sayWhile(invocation.io, 'growing the image', () => growImage(place, sizeBytes));
  return show(invocation);
}

/** `spica image check`: exit 1 where something is damaged. */
export async function imageCheck(invocation: Invocation): Promise<number> {
  const place = await placeOf(invocation);
  await sayWhile(invocation.io, 'checking the image', () => checkImage(place));
  if (invocation.options.json) writeJson(invocation.io.stdout, { pool: place.name, damaged: false });
  else invocation.io.stdout.write('all that is in the image agrees with its checksums\n');
  return 0;
}

/** `spica image unmount`: `spica up`, or `spica init`, mounts it again. */
export async function imageUnmount(invocation: Invocation): Promise<number> {
  const place = await placeOf(invocation);
  await sayWhile(invocation.io, 'unmounting the image', () => unmountImage(place, { clock: systemClock }));
  return show(invocation);
}

async function show(invocation: Invocation): Promise<number> {
  const { io, options } = invocation;
  const place = await placeOf(invocation);
  const report = await reportImage(place);
  if (options.json) writeJson(io.stdout, { pool: place.name, ...report });
  else writeImage(io.stdout, place, report);
  return 0;
}

async function placeOf({ io, options }: Invocation) {
  const { config } = await loadConfig(io, options);
  const { name, root } = choosePool(config, options.pool);
  return { name, root };
}
