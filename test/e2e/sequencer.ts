// The order of the end-to-end files: the longest first, so that no long one begins when the others are done.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Seconds of each file, as measured; scripts/totals-reporter.mjs prints those of a run. */
const seconds: Readonly<Record<string, number>> = JSON.parse(
  readFileSync(new URL('durations.json', import.meta.url), 'utf8'),
);

/** A file that is not in the list may be long. */
const unknown = 1_000;

export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const of = ({ moduleId }: TestSpecification): number => seconds[relative(root, moduleId)] ?? unknown;
    return files.toSorted((a, b) => of(b) - of(a));
  }
}
