import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const session = join(import.meta.dirname, '../../../../src/cli/run/session.ts');
const shown = join(import.meta.dirname, '../../../../src/cli/run/reported-error.ts');

test.each([
  ['an exception', 'setTimeout(() => { throw new TypeError("nobody caught this"); }, 50)'],
  ['a rejection', 'setTimeout(() => void Promise.reject(new TypeError("nobody caught this")), 50)'],
])('%s that nothing caught ends the run with its problem shown, its log closed and exit code 70', (_, throwing) => {
  const logs = mkdtempSync(join(tmpdir(), 'kbinit-last-'));
  const run = `
    import { withSession } from '${session}';
    import { ReportedError } from '${shown}';
    withSession('token', {}, 'read', async () => { ${throwing}; await new Promise((go) => setTimeout(go, 20_000)); })
      .catch((error) => { process.exitCode = error instanceof ReportedError ? error.exitCode : 99; });`;
  const words = ['--import', 'tsx', '--input-type=module', '-e', run];
  const { status, stderr } = spawnSync(process.execPath, words, {
    encoding: 'utf8',
    env: { ...process.env, KBINIT_LOG_DIR: logs },
    timeout: 30_000,
  });
  const log = readdirSync(logs).map((name) => readFileSync(join(logs, name), 'utf8'));
  rmSync(logs, { recursive: true });
  expect({ status, stderr }).toMatchObject({ status: 70, stderr: expect.stringContaining('nobody caught this') });
  expect(log.join('').trim().split('\n').at(-1)).toContain('"kind":"run-end","exitCode":70');
});
