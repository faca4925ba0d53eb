import { flushCompileCache } from 'node:module';
import { systemClock } from '@spica/core';
import { initImagePool } from '@spica/pool';

flushCompileCache(); // for the next one: this one is to be killed

/** Run as a program, to be killed: makes the pool `main` in an image at a root. */
const [root = ''] = process.argv.slice(2);
const spec = { sizeBytes: 128e6, file: null, allocate: false };
await initImagePool({ name: 'main', root, clock: systemClock, spec });
