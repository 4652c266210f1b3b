// What became of every check, as a table and as an object.
import { expect, test } from 'vitest';
import type { CheckResult } from '../../../src/preflight/check.ts';
import { preflightAnswer } from '../../../src/preflight/report.ts';

const results: readonly CheckResult[] = [
  { name: 'NumCPU', outcome: 'passed' },
  { name: 'Mem', outcome: 'passed' },
  { name: 'Swap', outcome: 'warning', text: 'swap is on', fix: '`swapoff -a`' },
  { name: 'Port-6443', outcome: 'error', text: 'port 6443 is in use by nc', fix: 'stop it' },
  { name: 'CRI', outcome: 'ignored', text: 'it is gone', fix: 'start it' },
];

test('the table has errors first, what to do below each, and a line for every host', () => {
  expect(
    preflightAnswer([
      { host: 'm1', results },
      { host: 'w1', results: results.slice(0, 2) },
    ]).text,
  ).toBe(
    [
      'HOST      RESULT    CHECK       FOUND',
      'm1        error     Port-6443   port 6443 is in use by nc',
      '                                do: stop it',
      'm1        warning   Swap        swap is on',
      '                                do: `swapoff -a`',
      'm1        ignored   CRI         it is gone',
      '                                do: start it',
      '',
      'm1        2 checks passed, 1 warning, 1 error, 1 ignored',
      'w1        2 checks passed',
      '',
    ].join('\n'),
  );
});

test('hosts without a finding have no table', () => {
  expect(preflightAnswer([{ host: 'm1', results: results.slice(0, 1) }]).text).toBe('m1        1 check passed\n');
});

test('the object has every check of every host, and whether the host is ready', () => {
  expect(preflightAnswer([{ host: 'm1', results: results.slice(1, 4) }]).object).toEqual({
    kind: 'PreflightReport',
    hosts: [
      {
        host: 'm1',
        ok: false,
        checks: [
          { name: 'Mem', outcome: 'passed' },
          { name: 'Swap', outcome: 'warning', found: 'swap is on', do: '`swapoff -a`' },
          { name: 'Port-6443', outcome: 'error', found: 'port 6443 is in use by nc', do: 'stop it' },
        ],
      },
    ],
  });
});
