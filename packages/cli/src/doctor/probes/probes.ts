import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Candidate,
  isInstanceId,
  MAX_DELETIONS,
  planRetention,
  retentionPolicyOf,
  SpicaError,
  systemClock,
} from '@spica/core';
import { auditPathOf, isThere, openPool, tailAudit, verifyAudit } from '@spica/pool';
import { createLogger, previewOfflinePrune, pruneOffline } from '@spica/workers';
import { type Finding, fail, ok } from '../finding.ts';
import { LINK, listTree, makeScratch, OLD, type Scratch, TORN } from './scratch.ts';

const ADVICE =
  'serve no pool with this version: `npm test` in its sources says what is broken, an update may mend it';
const ALL = { maxInstances: null, maxAgeMs: null };

/** What was found, or why it does not hold. */
type Outcome = { readonly holds: string } | { readonly broken: string };
type Probe = (scratch: Scratch) => Promise<Outcome>;

/**
 * In this order: what a dry run shows is deleted then, what was deleted is looked for in the log, and the log is forged at
 * the end.
 */
const PROBES: Readonly<Record<string, Probe>> = {
  dry_run_support: probeDryRun,
  path_validation: probePaths,
  error_handling: probeErrors,
  audit_logging: probeAudit,
  bounded_iteration: probeBounds,
};

/**
 * Whether this installation keeps its five promises here: each is tried in a pool of its own, made for that in the
 * directory for temporary files and removed again. No pool of the config is touched.
 */
export async function runProbes(): Promise<Finding[]> {
  const scratch = await makeScratch();
  const findings: Finding[] = [];
  try {
    for (const [name, probe] of Object.entries(PROBES)) findings.push(await run(name, () => probe(scratch)));
  } finally {
    await scratch.remove();
  }
  return findings;
}

async function run(name: string, probe: () => Promise<Outcome>): Promise<Finding> {
  try {
    const outcome = await probe();
    return 'holds' in outcome ? ok(name, outcome.holds) : fail(name, outcome.broken, ADVICE);
  } catch (error) {
    return fail(name, `it could not be tried to its end: ${(error as Error).message}`, ADVICE);
  }
}

function optionsFor({ config }: Scratch) {
  const logger = createLogger({ level: 'silent', pretty: false });
  return { config, pool: 'scratch', clock: systemClock, logger, known: new Map(), clockConfirmed: true };
}

async function probeDryRun(scratch: Scratch): Promise<Outcome> {
  const before = await listTree(scratch.dir);
  const { plan } = await previewOfflinePrune(optionsFor(scratch), ALL);
  if ((await listTree(scratch.dir)) !== before) return { broken: 'a dry run of a prune changed files' };
  const planned = plan.deletes.map(({ id }) => id);
  if (planned.join() !== OLD)
    return { broken: `a prune of one old instance plans to delete ${planned.join(', ') || 'none'}` };
  return { holds: 'a dry run of a prune names what would go, and changes nothing' };
}

const OUTSIDE = [
  '..',
  '../outside',
  '/etc',
  `${OLD}/../../outside`,
  `${OLD}/link`,
  '.spica',
  'spica-',
  `${OLD}\0`,
];

async function probePaths(scratch: Scratch): Promise<Outcome> {
  const taken = OUTSIDE.filter(isInstanceId);
  if (taken.length > 0) return { broken: `taken for names of instances: ${taken.join(', ')}` };
  const { pruned } = await pruneOffline({ ...optionsFor(scratch), isOffline: async () => true }, ALL);
  const gone = pruned.map(({ id }) => id).join();
  if (gone !== OLD || (await isThere(scratch.pool.pathOf(OLD))))
    return { broken: `a prune of one old instance took ${gone || 'none'}` };
  if (!(await isThere(scratch.victim)) || !(await isThere(join(scratch.pool.paths.root, LINK))))
    return { broken: 'a prune followed a link out of the pool' };
  return { holds: `${OUTSIDE.length} paths that lead out were refused, and no link was followed` };
}

async function probeErrors({ dir, pool }: Scratch): Promise<Outcome> {
  if (!(await isThere(pool.pathOf(TORN))))
    return { broken: 'an instance whose record cannot be read was deleted' };
  const empty = join(dir, 'empty');
  await mkdir(empty);
  for (const root of [empty, join(dir, 'nowhere')]) {
    const error = await openPool({ name: 'scratch', root }).then(
      () => null,
      (reason: unknown) => reason,
    );
    if (error === null) return { broken: 'a directory without a marker was taken for a pool' };
    if (!(error instanceof SpicaError) || /\bE[A-Z]{3,}\b/.test(error.message))
      return { broken: `a missing pool is told as "${(error as Error).message}"` };
  }
  return { holds: 'a torn record kept its instance, and an unmounted disk is refused with a reason' };
}

async function probeAudit({ config }: Scratch): Promise<Outcome> {
  const path = auditPathOf({ path: config.audit.path, stateDir: config.stateDir });
  const lines = (await tailAudit(path, 100)).map((line) => JSON.parse(line) as Record<string, unknown>);
  const told = lines.filter(({ instance }) => instance === OLD).map(({ outcome }) => outcome);
  if (told[0] !== 'intent' || !told.includes('trashed'))
    return { broken: `of the deletion the audit log says ${told.join(', ') || 'nothing'}` };
  const { problems } = await verifyAudit(path);
  if (problems.length > 0) return { broken: `its chain does not hold: ${problems[0]}` };
  const [last = ''] = (await readFile(path, 'utf8')).trimEnd().split('\n').slice(-1);
  await appendFile(path, `${last}\n`);
  if ((await verifyAudit(path)).problems.length === 0) return { broken: 'a forged line was not found' };
  return { holds: 'a deletion was told before and after it, and a forged line was found' };
}

async function probeBounds({ config }: Scratch): Promise<Outcome> {
  const retention = config.pools['scratch']?.retention;
  if (!retention) throw new TypeError('no scratch pool');
  const many = Array.from({ length: 2 * MAX_DELETIONS }, (_, index) => anOld(index));
  const nothing = { bytes: 0, inodes: 0, slots: 0 };
  const now = systemClock.now();
  const { deletes } = planRetention({
    ...{ instances: many, policy: retentionPolicyOf(retention), now, leaseNow: now },
    ...{ ageRulesSuspended: null, reservedSlots: 0, need: nothing, shortfall: nothing },
  });
  if (deletes.length !== MAX_DELETIONS)
    return { broken: `one run of ${many.length} due instances deletes ${deletes.length}` };
  return { holds: `of ${many.length} due instances one run deletes ${MAX_DELETIONS}` };
}

function anOld(index: number): Candidate {
  return {
    ...{ id: `spica-${index.toString(16).padStart(12, '0')}`, experiment: null, spawnedAt: 0, ttlMs: null },
    ...{ score: null, lastLeasedAt: null, usedUntil: null, discarded: false, bytes: 1, inodes: 1 },
    ...{ growth: { bytes: 0, inodes: 0 }, protectedBy: null },
  };
}
