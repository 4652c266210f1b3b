// A vitest reporter that writes what a run came to as JSON: counts, and for each skipped test its reason.
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';

/** Add up finished test files; `unhandled` are errors that no test caught. */
export function sum(modules, unhandled = []) {
  const totals = { passed: 0, failed: unhandled.length, skipped: [], files: [] };
  for (const file of modules) {
    const name = relative(process.cwd(), file.moduleId);
    // A file that cannot be read and a hook that throws are failures that no test of theirs shows.
    const suites = [...file.children.allSuites()].filter((suite) => suite.errors().length > 0);
    totals.failed += file.errors().length + suites.length;
    totals.files.push({ name, seconds: Math.round(file.diagnostic().duration / 100) / 10 });
    for (const test of file.children.allTests()) {
      const { state, note } = test.result();
      if (state === 'passed') totals.passed += 1;
      else if (state === 'failed') totals.failed += 1;
      else {
        const isConsequence = isAfterFailure(test);
        const reason = isConsequence ? 'a hook before it has failed' : (note ?? ownReason(test));
        totals.skipped.push({ name: `${name} > ${test.fullName}`, reason, isConsequence });
      }
    }
  }
  return totals;
}

/** Whether a hook that ran before it has failed. */
function isAfterFailure(test) {
  const failures = [];
  for (let suite = test.parent; suite?.type === 'suite'; suite = suite.parent) failures.push(...suite.errors());
  return failures.length > 0 || test.module.errors().length > 0;
}

/** The reason for a test that gave none itself. */
function ownReason(test) {
  return test.options.mode === 'todo' ? 'not written yet' : 'marked as skipped in its file';
}

/** `--reporter=./scripts/totals-reporter.mjs`; the file's path comes in KBINIT_TEST_REPORT. */
export default class TotalsReporter {
  onTestRunEnd(modules, unhandled) {
    const path = process.env.KBINIT_TEST_REPORT;
    if (path) writeFileSync(path, JSON.stringify(sum(modules, unhandled)));
  }
}
