// Where a dry run's words go: the plan is the answer, on standard output; progress is on standard error.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { quote } from '../../../../src/host/shell.ts';

/** Each test starts a program of its own, beside all the others. */
const timeout = 60_000;

const folder = mkdtempSync(join(tmpdir(), 'kbinit-dry-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Run it on this machine; `behind` is what reads its standard output. */
function dryRun(flags: readonly string[], behind = ''): { code: number | null; stdout: string; stderr: string } {
  const bin = join(import.meta.dirname, '../../../../src/cli/bin.ts');
  const words = ['--import', 'tsx', bin, 'init', 'phase', 'certs', 'ca', '--cert-dir', `${folder}/pki`, ...flags];
  const line = `set -o pipefail; ${[process.execPath, ...words].map(quote).join(' ')}${behind}`;
  const run = spawnSync('bash', ['-c', line], {
    encoding: 'utf8',
    env: { ...process.env, KBINIT_LOG_DIR: `${folder}/log` },
    timeout,
  });
  return { code: run.status, stdout: run.stdout, stderr: run.stderr };
}

test(
  'the plan of a dry run is on standard output and ends with its counts, and nothing is written',
  { timeout },
  () => {
    const { code, stdout, stderr } = dryRun(['--dry-run']);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^\S+ +create \S+\/pki\/ca\.key \(0600, secret\)$/m);
    expect(stdout).toMatch(/^ {4}-----BEGIN CERTIFICATE-----$/m);
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(
      /^Plan: \d+ to create, \d+ to change, 0 to delete on 1 host\.$/,
    );
    expect(stderr).not.toContain('/pki');
    expect(stderr.trimEnd().split('\n').at(-1)).toMatch(/^dry run: nothing was changed/);
    expect(readdirSync(folder)).toEqual(['log']);
  },
);

test('the plan with -o json is one document and nothing else', { timeout }, () => {
  const { code, stdout, stderr } = dryRun(['--dry-run', '-o', 'json']);
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ kind: 'Plan', complete: true, counts: { delete: 0, hosts: 1 } });
  expect(stdout).not.toContain('PRIVATE KEY');
});

test('a reader that has gone ends a dry run quietly', { timeout }, () => {
  const { code, stdout, stderr } = dryRun(['--dry-run'], ' | head -n 1');
  expect({ code, lines: stdout.split('\n').length }).toEqual({ code: 0, lines: 2 });
  expect(stderr).not.toMatch(/EPIPE|KB_|│/);
});

test('-o without --dry-run is refused before anything is changed', { timeout }, () => {
  const { code, stderr } = dryRun(['-o', 'json']);
  expect(code).toBe(1);
  expect(stderr).toContain('--output without --dry-run');
  expect(readdirSync(folder)).toEqual(['log']);
});
