import { flushCompileCache } from 'node:module';
import { growImage } from '../../src/image/grow.ts';

flushCompileCache(); // for the next one: this one is to be killed

/** Run as a program, to be killed: makes the image of the pool `main` at a root larger. */
const [root = ''] = process.argv.slice(2);
await growImage({ name: 'main', root }, 300e6);
