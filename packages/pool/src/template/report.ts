import { CheckError } from '@spica/core';
import { surveyClonable } from './clonable.ts';
import { examine } from './examine.ts';
import { type ExcludedReport, reportExcluded } from './excluded.ts';
import { explainFailure, isChanging } from './failure.ts';
import { parentOf, textOf } from './key.ts';
import { locateSource, readSource, type Source, type Sources } from './source.ts';
import type { Totals } from './tally.ts';
import type { TemplateWarning } from './warning.ts';

/** A template as it would be cloned now. */
export interface TemplateReport {
  readonly name: string;
  readonly dir: string;
  readonly version: string;
  /** Commit that its git HEAD is at, or `unknown`. */
  readonly originCommit: string;
  /** What is cloned; the template's own directory is an inode, and no entry. */
  readonly cloned: Totals & { readonly entries: number };
  readonly excluded: ExcludedReport;
  /** The largest directories that are cloned, with all that is cloned below them, the largest first. */
  readonly largest: readonly DirectoryReport[];
  readonly warnings: readonly TemplateWarning[];
}

export interface DirectoryReport {
  /** Relative to the template. */
  readonly path: string;
  /** Allocated, hard links once. */
  readonly bytes: number;
  readonly entries: number;
}

export interface TemplateQuestion {
  /** The pool's root, which need not be there. */
  readonly root: string;
  /** Name → directory. */
  readonly sources: Sources;
  readonly name: string;
  readonly allowGitFile: boolean;
}

const MOST_DIRECTORIES = 10;
/** A template that changes while it is looked at is looked at again, so often. */
const ATTEMPTS = 3;

/**
 * Reports what of a template would be cloned now, what not and why, and what speaks against it. Changes nothing. Throws
 * RefusedError TEMPLATE_* where it could not be prepared either, and CheckError TEMPLATE_CHANGING.
 */
export async function reportTemplate(question: TemplateQuestion): Promise<TemplateReport> {
  return inspect(question, async (source) => {
    const sums = createDirectorySums();
    const surveyed = await surveyClonable(source, undefined, sums.add);
    const { name, dir, version, originCommit } = source;
    return {
      name,
      dir,
      version,
      originCommit,
      cloned: { ...surveyed.totals, entries: surveyed.included.size - 1 },
      excluded: await reportExcluded(source, surveyed),
      largest: sums.largest(MOST_DIRECTORIES),
      warnings: await examine(source, surveyed),
    };
  });
}

/** The warnings alone, in less time: what is left out is not measured. Throws as `reportTemplate`. */
export async function checkTemplate(question: TemplateQuestion): Promise<readonly TemplateWarning[]> {
  return inspect(question, async (source) => {
    return examine(source, await surveyClonable(source));
  });
}

async function inspect<T>(question: TemplateQuestion, work: (source: Source) => Promise<T>): Promise<T> {
  const { root, sources, name, allowGitFile } = question;
  for (let attempt = 1; ; attempt += 1) {
    const source = await readSource(await locateSource(root, sources, name), allowGitFile);
    try {
      return await work(source);
    } catch (error) {
      if (!isChanging(error)) throw await explainFailure(error, source, source.dir);
      if (attempt < ATTEMPTS) continue;
      const reason = `it kept changing while it was looked at (${ATTEMPTS} times; last: ${error.message})`;
      throw new CheckError('TEMPLATE_CHANGING', `template ${name}: ${reason}`, { template: name }, error);
    }
  }
}

/** Sums what is cloned by directory. */
function createDirectorySums() {
  const sums = new Map<string, { bytes: number; entries: number }>();
  const add = (directory: string, bytes: number, entries: number) => {
    const sum = sums.get(directory) ?? { bytes: 0, entries: 0 };
    sums.set(directory, { bytes: sum.bytes + bytes, entries: sum.entries + entries });
  };
  return {
    /** A directory's own blocks count to it, and the directory as an entry to the one above. */
    add(key: string, bytes: number): void {
      if (!key.endsWith('/')) add(parentOf(key), bytes, 1);
      else {
        add(key, bytes, 0);
        if (key !== './') add(parentOf(key), 0, 1);
      }
    },
    largest(most: number): DirectoryReport[] {
      const inner = [...sums.keys()].filter((key) => key !== './');
      for (const key of inner.sort((a, b) => depthOf(b) - depthOf(a))) {
        const { bytes, entries } = sums.get(key) ?? { bytes: 0, entries: 0 };
        add(parentOf(key), bytes, entries);
      }
      return inner
        .map((key) => ({ path: textOf(key), bytes: 0, entries: 0, ...sums.get(key) }))
        .sort((a, b) => b.bytes - a.bytes || (a.path < b.path ? -1 : 1))
        .slice(0, most);
    },
  };
}

function depthOf(key: string): number {
  return key.split('/').length;
}
