import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestCase, TestModule, TestSuite } from 'vitest/node';

const NO_REASON = 'no reason given';

/**
 * Writes the run's last lines to a file, for test.sh to print after everything else: what was skipped, with its reason,
 * then "N passed, N failed, N skipped".
 *
 * A suite or a file whose tests were all skipped for one reason has one line, with the number of its tests. "N skipped"
 * counts tests: a suite of twelve that was skipped counts twelve.
 *
 * What broke outside of a test (a file that does not load, a failing suite hook, an unhandled rejection) counts as
 * failed: a run that fails never says "0 failed".
 */
export class SummaryReporter implements Reporter {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const passed = tests.filter((test) => test.result().state === 'passed').length;
    const failed = tests.filter((test) => test.result().state === 'failed').length;
    const skipped = tests.filter((test) => test.result().state === 'skipped');
    const outside = unhandled.length + modules.reduce((sum, module) => sum + failuresOutsideTests(module), 0);

    const counts = `${passed} passed, ${failed + outside} failed, ${skipped.length} skipped`;
    writeFileSync(this.#path, `${[...modules.flatMap(describeSkipped), counts].join('\n')}\n`);
  }
}

function failuresOutsideTests(module: TestModule): number {
  const suites = [...module.children.allSuites()];
  return module.errors().length + suites.reduce((sum, suite) => sum + suite.errors().length, 0);
}

/** One line for all that is in it, where that was skipped for one reason; else the lines of what is in it. */
function describeSkipped(part: TestModule | TestSuite | TestCase): string[] {
  if (part.type === 'test') return lineOf(part, [part]);
  const tests = [...part.children.allTests()].filter((test) => !wasLeftOut(test));
  const isOne = tests.length > 1 && new Set(tests.map(reasonOf)).size === 1;
  return isOne ? lineOf(part, tests) : part.children.array().flatMap(describeSkipped);
}

function lineOf(part: TestModule | TestSuite | TestCase, [first, ...more]: readonly TestCase[]): string[] {
  if (first === undefined || wasLeftOut(first)) return [];
  const reason = reasonOf(first);
  if (reason === null) return [];
  const name =
    part.type === 'module' ? part.relativeModuleId : `${part.module.relativeModuleId} > ${part.fullName}`;
  return [`skipped: ${name}${more.length === 0 ? '' : `, ${more.length + 1} tests`} (${reason})`];
}

/** By `-t`: whoever typed the pattern knows. */
function wasLeftOut(test: TestCase): boolean {
  return test.project.globalConfig.testNamePattern !== undefined && reasonOf(test) === NO_REASON;
}

/** Why a test was skipped; null where it was not. */
function reasonOf(test: TestCase): string | null {
  const result = test.result();
  return result.state === 'skipped' ? (result.note ?? NO_REASON) : null;
}
