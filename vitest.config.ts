import { configDefaults, defineConfig, type ViteUserConfig } from 'vitest/config';
import LongestFirst from './test/e2e/sequencer.ts';

/** Needs a lab whose Kubernetes is not the newest (`npm test -- --older`): elsewhere it is no test, not a skipped one. */
const onlyOlder = process.env['KBINIT_LAB_KUBERNETES'] ? [] : ['test/e2e/older.test.ts'];

const config: ViteUserConfig = defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/golden/**/*.test.ts', 'test/*.test.ts'],
          testTimeout: 60_000,
          // Files undo what they change in their process; a process a file would take longer than the tests.
          isolate: false,
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts', 'test/oracle/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...onlyOlder],
          globalSetup: 'test/e2e/setup.ts',
          // Each file has hosts of its own, and most of its time is waiting for Kubernetes. Three at a time on two cores are a
          // third faster, and slow enough to break what tests promise in seconds.
          maxWorkers: 2,
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});

export default config;
