import { flushCompileCache } from 'node:module';
import { connectWorker } from '@spica/queues';
import type { Job } from 'bullmq';
import { createPruner } from '../../../packages/workers/src/pruner/processor.ts';
import { installSteps, Life } from '../../model/crash.ts';
import { serve } from './site.ts';

flushCompileCache(); // for the next one: this one is to be killed

/**
 * Deletes all that a pool has, as the pruner of `spica up` does, and kills itself with SIGKILL before the given one of
 * its steps that change the disk or Redis. `node delete.ts DIRECTORY POOL SOCKET STEP`; without STEP it lives.
 */
const [dir = '', name = '', socket = '', at] = process.argv.slice(2);
const target = { socket };
const { ctx } = await serve(connectWorker(target), { dir, name, target });
await installSteps();
const life = new Life(at === undefined ? null : Number(at), () => process.kill(process.pid, 'SIGKILL'));
const data = { pool: name, cause: 'operator', maxInstances: 0, maxAgeMs: null };
await life.run(() => createPruner(ctx)({ id: 'job', data } as Job));
process.exit(0);
