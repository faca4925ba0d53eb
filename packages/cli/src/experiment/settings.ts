import { availableParallelism } from 'node:os';
import { absolutePathOf, UsageError } from '@spica/core';
import { parseCount, parseNumber, parseSpan, parseWait } from '../input/numbers.ts';
import { parseLabels, parseParams } from '../input/pairs.ts';
import { parsePatterns } from '../input/patterns.ts';
import { parseGivenText } from '../input/who.ts';
import type { Io } from '../io.ts';
import { type Params, readCandidates } from './candidates.ts';
import type { Plan } from './carry-out.ts';
import type { Keep } from './keep.ts';
import { mutateBy } from './mutate.ts';
import type { Experiment } from './run-one.ts';
import { parseScoreSource } from './score.ts';
import { readTournamentFile, type TournamentFile } from './tournament-file.ts';

export interface RunOptions {
  readonly count: string;
  readonly template?: string;
  readonly set?: readonly string[];
  readonly candidates?: string;
  readonly replicas: string;
  readonly experiment?: string;
  readonly label?: readonly string[];
  readonly jobs?: string;
  readonly lease: string;
  readonly timeLimit?: string;
  readonly maxWait?: string;
  readonly maxFailures?: string;
  readonly score?: string;
  readonly collect?: readonly string[];
  readonly to?: string;
  readonly collectMaxGb: string;
  readonly keep: string;
  readonly generations: string;
  readonly mutate?: string;
  readonly resume?: string;
  readonly tournament?: string;
}

const MOST_RUNS = 10_000;

/** How runs are planned. Throws UsageError that names the flag, the value and what was expected. */
export async function readPlan(
  io: Io,
  options: RunOptions,
  tournament: TournamentFile | null,
): Promise<Plan> {
  const generations = parseCount('--generations', options.generations, { least: 1, most: MOST_RUNS });
  const { mutate: command } = options;
  if (generations > 1 !== (command !== undefined)) {
    throw new UsageError(
      'FLAG_MISSING',
      '--generations and --mutate: expected both or neither: `--generations 3 --mutate ./next.sh`',
    );
  }
  if (generations > 1 && options.score === undefined) {
    throw new UsageError('FLAG_MISSING', '--score: expected with --generations: it tells the champion');
  }
  const set = parseParams(options.set ?? []);
  const count = parseCount('-n', options.count, { least: 1, most: MOST_RUNS });
  const candidates: readonly Params[] =
    options.candidates === undefined
      ? (tournament?.candidates ?? Array.from({ length: count }, () => ({})))
      : await readCandidates(pathOf(io, '--candidates', options.candidates));
  const cwd = io.cwd ?? io.home;
  const mutate = command === undefined ? null : mutateBy({ command, cwd, env: io.env, stderr: io.stderr });
  return {
    candidates: candidates.map((params) => ({ ...set, ...params })),
    replicas: parseCount('--replicas', options.replicas, { least: 1, most: MOST_RUNS }),
    jobs: options.jobs === undefined ? availableParallelism() : parseJobs(options.jobs),
    maxFailures:
      options.maxFailures === undefined
        ? null
        : parseCount('--max-failures', options.maxFailures, { least: 1 }),
    keep: parseKeep(options.keep),
    generations,
    mutate,
  };
}

/** The tournament that is to be run; null for none. Throws UsageError for what does not go with one, and as `readTournamentFile`. */
export async function readTournament(io: Io, options: RunOptions): Promise<TournamentFile | null> {
  if (options.tournament === undefined) return null;
  const { resume, mutate, replicas, keep } = options;
  const other =
    (resume !== undefined && '--resume') ||
    (mutate !== undefined && '--mutate') ||
    (replicas !== '1' && '--replicas');
  if (other) {
    throw new UsageError(
      'FLAG_INVALID',
      `${other}: expected none with --tournament, whose file says what is run`,
    );
  }
  if (keep !== 'never' && keep !== 'best') {
    throw new UsageError('FLAG_INVALID', `--keep: expected never or best with --tournament, got "${keep}"`);
  }
  return readTournamentFile(pathOf(io, '--tournament', options.tournament));
}

type Shared = Omit<
  Experiment,
  'spica' | 'journal' | 'template' | 'inherits' | 'report' | 'signal' | 'atOnce'
>;

/** What is the same for all runs. Throws as `readPlan`. */
export function readShared(io: Io, options: RunOptions, args: readonly string[]): Shared {
  const [file, ...rest] = args;
  if (file === undefined) throw new UsageError('FLAG_MISSING', 'run: expected a command after --, got none');
  if ((options.collect === undefined) !== (options.to === undefined)) {
    throw new UsageError('FLAG_MISSING', '--collect and --to: expected both or neither, got one');
  }
  return {
    command: [file, ...rest],
    experiment: parseGivenText('--experiment', options.experiment),
    labels: parseLabels(options.label ?? []),
    leaseMs: parseSpan('--lease', options.lease) ?? 0,
    maxWaitMs: parseWait('--max-wait', options.maxWait),
    timeLimitMs: parseSpan('--time-limit', options.timeLimit),
    score: options.score === undefined ? null : parseScoreSource(options.score),
    collect:
      options.to === undefined
        ? null
        : {
            patterns: parsePatterns('--collect', options.collect ?? []),
            to: pathOf(io, '--to', options.to),
            mostBytes: parseNumber('--collect-max-gb', options.collectMaxGb) * 1e9,
          },
    env: io.env,
  };
}

/** Relative to the working directory. */
export function pathOf({ cwd, home }: Io, flag: string, path: string): string {
  return absolutePathOf(flag, path, { base: cwd, home });
}

function parseJobs(text: string): number {
  return parseCount('--jobs', text, { least: 1, most: MOST_RUNS });
}

function parseKeep(text: string): Keep {
  if (text === 'never' || text === 'failed' || text === 'best' || text === 'always') return text;
  throw new UsageError('FLAG_INVALID', `--keep: expected never, failed, best or always, got "${text}"`);
}
