import {
  CheckError,
  environmentOf,
  formatDuration,
  harmlessParams,
  poolFloor,
  type TemplateConfig,
} from '@spica/core';
import {
  type CommandEnd,
  commandLogPath,
  endMarked,
  isThere,
  keepInstanceBaseline,
  markOf,
  readManifest,
  removeStaged,
  runCommand,
  sayPrinted,
  writeCommandLog,
} from '@spica/pool';
import { paramsOf, type SpawnRequest } from '@spica/queues';
import type { ServedContext } from '../context.ts';
import type { OpenRequest } from '../gate/state.ts';
import type { Spawn } from './record.ts';

/** What a template says of the set-up of its instances. */
type SetUp = Pick<TemplateConfig, 'setupTimeoutMs'> & { readonly argv: NonNullable<TemplateConfig['setup']> };

/** How a spawn fails because another one of its request has: it is no failure of its own. */
export const GIVEN_UP = 'SPAWN_GIVEN_UP';

/** The set-up that a request's instances get; null for none. A fork is what its parent was, set-up and all. */
export function setUpOf(
  { policy }: Pick<ServedContext, 'policy'>,
  { template, from }: Pick<SpawnRequest, 'template' | 'from'>,
): SetUp | null {
  const { setup = null, setupTimeoutMs = 0 } = policy.templates[template] ?? {};
  return setup === null || from !== null ? null : { argv: setup, setupTimeoutMs };
}

/**
 * Runs a set-up in an instance that lies in its place, before anybody is told of it, and keeps what it prints. When this
 * resolves or rejects nothing of it runs any more. Throws CheckError: SETUP_FAILED, SETUP_TIMED_OUT with its last lines;
 * NO_SPACE where it was for want of room; SPAWN_GIVEN_UP where another of the request failed meanwhile, REQUEST_CANCELLED;
 * or the signal's reason. Any of them ends the other set-ups of the request.
 */
export async function setUp(
  ctx: ServedContext,
  spawn: Spawn,
  command: SetUp,
  signal?: AbortSignal,
): Promise<void> {
  const { id, of, open } = spawn;
  const stop = open.stop.signal;
  try {
    stop.throwIfAborted();
    const either = signal ? AbortSignal.any([signal, stop]) : stop;
    const end = await run(ctx, spawn, command, either);
    signal?.throwIfAborted();
    stop.throwIfAborted();
    const problem = await problemOf(ctx, id, end, command);
    if (problem !== null) throw await explain(ctx, spawn, end, { ...command, problem });
    await keepBaseline(ctx, id, either);
    signal?.throwIfAborted();
    stop.throwIfAborted();
  } catch (error) {
    const why = `instance ${id} of request ${of.request} could not be set up`;
    if (!signal?.aborted) open.stop.abort(new CheckError(GIVEN_UP, `it was given up: ${why}`));
    throw error;
  }
}

async function run(
  ctx: ServedContext,
  { id, of, open }: Spawn,
  { argv, setupTimeoutMs: timeoutMs }: SetUp,
  signal: AbortSignal,
): Promise<CommandEnd> {
  const { pool, clock, logger } = ctx;
  const path = pool.pathOf(id);
  const { request, index } = of;
  const { experiment } = open.request;
  // Whoever may submit a request may not run programs of their own on this host.
  const params = harmlessParams(paramsOf(open.request, index), process.env);
  const env = environmentOf({ id, path, request, experiment, index, params });
  const startedAt = clock.now();
  const end = await runCommand({ argv, cwd: path, env, mark: markOf(pool, path), timeoutMs, signal });
  await writeCommandLog(pool, id, end.output).catch((error: unknown) => {
    logger.warn({ err: error, instance: id }, 'what the set-up printed could not be kept');
  });
  const { code, stopped } = end;
  logger.debug(
    { instance: id, request: of.request, code, stopped, ms: clock.now() - startedAt },
    'set-up ended',
  );
  return end;
}

/** What a set-up has made is no work that would be lost. Where git cannot tell what it made, it counts as such. */
async function keepBaseline({ pool, policy, logger }: ServedContext, id: string, signal: AbortSignal) {
  if (!policy.retention.protectUnsavedWork) return;
  try {
    await keepInstanceBaseline(pool, id, signal);
  } catch (error) {
    if (signal.aborted) return;
    logger.warn({ err: error, instance: id }, 'what its set-up made of its repository could not be kept');
  }
}

/** Why an instance is not as it must be after its set-up, in words that follow "its set-up"; null where it is. */
async function problemOf(
  { pool }: ServedContext,
  id: string,
  { code, timedOut }: CommandEnd,
  { setupTimeoutMs }: SetUp,
): Promise<string | null> {
  if (timedOut) return `took longer than ${formatDuration(setupTimeoutMs)} (setup_timeout), and was ended`;
  if (code !== 0) return `ended with exit code ${code}`;
  const manifest = await readManifest(pool, id).catch((error: unknown) => {
    if (error instanceof CheckError) return null;
    throw error;
  });
  return manifest?.spica_id === id ? null : "removed or changed manifest.json, which is Spica's";
}

async function explain(
  ctx: ServedContext,
  { id, open }: Spawn,
  { output, timedOut }: CommandEnd,
  { argv, problem }: SetUp & { readonly problem: string },
): Promise<CheckError> {
  const what = `instance ${id}: its set-up (${argv.join(' ')})`;
  const said = sayPrinted(output, commandLogPath(ctx.pool, id));
  const details = { instance: id };
  if (await isForRoom(ctx, output, open)) {
    return new CheckError('NO_SPACE', `${what} found no room: the disk is full${said}`, details);
  }
  const code = timedOut ? 'SETUP_TIMED_OUT' : 'SETUP_FAILED';
  return new CheckError(code, `${what} ${problem}${said}`, details);
}

const SAYS_FULL = /No space left on device|ENOSPC/;

/**
 * Whether a set-up failed because its disk is full, rather than a cap or another disk: the floor is crossed, or it says so
 * and would not fit now, since a program may have cleaned up after itself.
 */
async function isForRoom({ gauge, policy, image }: ServedContext, output: string, open: OpenRequest) {
  const space = await gauge.read({ maxAgeMs: 0 });
  const floor = poolFloor(policy.disk, space, image !== null);
  const { bytes, inodes } = SAYS_FULL.test(output) ? open.admitted.each : { bytes: 0, inodes: 0 };
  const hasInodes = space.freeInodes === null || space.freeInodes >= floor.inodes + inodes;
  return space.availableBytes < floor.bytes + bytes || !hasInodes;
}

/**
 * Takes away an instance whose set-up was cut off, with what of it still runs, so that it is cloned anew: nobody knows how
 * far it had come. Throws what `removeTree` throws.
 */
export async function discardHalfSetUp({ pool, logger }: ServedContext, id: string): Promise<void> {
  const path = pool.pathOf(id);
  const ended = await endMarked(markOf(pool, path));
  if (!(await isThere(path))) return;
  logger.info({ instance: id, ended }, 'its set-up was cut off: it is cloned anew');
  await removeStaged(pool, id);
}
