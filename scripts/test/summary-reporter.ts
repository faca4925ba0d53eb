import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestCase, TestModule } from 'vitest/node';

/**
 * Writes the run's last lines to a file, for test.sh to print after everything else: each skipped test with its
 * reason, then "N passed, N failed, N skipped".
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
    writeFileSync(
      this.#path,
      `${[...skipped.filter(isWorthNaming).map(describeSkipped), counts].join('\n')}\n`,
    );
  }
}

function failuresOutsideTests(module: TestModule): number {
  const suites = [...module.children.allSuites()];
  return module.errors().length + suites.reduce((sum, suite) => sum + suite.errors().length, 0);
}

/** Not those that `-t` left out: whoever typed the pattern knows. */
function isWorthNaming(test: TestCase): boolean {
  return test.project.globalConfig.testNamePattern === undefined || reasonOf(test) !== undefined;
}

function reasonOf(test: TestCase): string | undefined {
  const result = test.result();
  return result.state === 'skipped' ? result.note : undefined;
}

function describeSkipped(test: TestCase): string {
  return `skipped: ${test.module.relativeModuleId} > ${test.fullName} (${reasonOf(test) ?? 'no reason given'})`;
}
