// What is printed fits the screen: boxes, warnings, tables. Where nothing counts columns, nothing is wrapped.
import { describe, expect, test } from 'vitest';
import { expirationTable } from '../../../src/certs/expiration.ts';
import type { Problem } from '../../../src/errors.ts';
import { tokenRow } from '../../../src/manifests/token-list.ts';
import { statusTable } from '../../../src/phases/etcd/report.ts';
import { preflightAnswer } from '../../../src/preflight/report.ts';
import { boxed } from '../../../src/report/box.ts';
import { columnsFor, terminalColumns } from '../../../src/report/columns.ts';
import type { RunEvent } from '../../../src/report/events.ts';
import { plainReporter } from '../../../src/report/plain.ts';
import { renderProblem } from '../../../src/report/problem.ts';
import { textWidth } from '../../../src/util/wrap.ts';

const long =
  'the container runtime does not answer at unix:///run/containerd/containerd.sock: connection refused; asked three times';
const problem: Problem = {
  code: 'KB_COMPONENT_NOT_HEALTHY',
  summary: 'kube-apiserver did not come up, and what it said last is shown below',
  phase: 'wait',
  host: 'master1',
  detail: long,
  fix: 'run `kbinit token create --print-join-command --host root@192.168.3.29 --identity-file /home/operator/.ssh/cluster`',
  evidence: [`E1130 22:14:16.320647 ${long}`, '  indented'],
};

/** How wide a text is at most. */
function widest(text: string): number {
  return Math.max(...text.split('\n').map(textWidth));
}

const words = (text: string): string => text.replaceAll(/[\s│╷╵]+/g, ' ');

describe.each([60, 80, 100])('on a screen of %i columns', (columns) => {
  test('a problem keeps its rule on every line, and every word', () => {
    const text = renderProblem(problem, { columns, logPath: '/home/operator/.kbinit/log/2026-11-30T22-17-36Z.jsonl' });
    expect(widest(text)).toBeLessThanOrEqual(columns);
    for (const line of text.split('\n')) expect(line).toMatch(/^[╷│╵] /);
    expect(words(text)).toContain(words(problem.fix));
    expect(words(text)).toContain(words(problem.summary));
  });

  test('a warning and a long outcome are continued below themselves', () => {
    const events: readonly RunEvent[] = [
      { kind: 'run-start', command: 'join', hosts: ['192.168.3.29'] },
      { kind: 'warning', host: '192.168.3.29', phase: 'preflight', name: 'CRI', text: long },
      { kind: 'phase-end', phase: 'x', host: '192.168.3.29', outcome: 'skipped', reason: long, seconds: 1 },
      { kind: 'problem', problem },
      { kind: 'run-end', exitCode: 1, seconds: 1 },
    ];
    let text = '';
    const reporter = plainReporter({ write: (part) => (text += part) }, { columns: () => columns });
    for (const event of events) reporter.emit(event);
    expect(widest(text)).toBeLessThanOrEqual(columns);
    expect(words(text)).toContain(`warning CRI: ${long}`);
  });

  test('the table of preflight wraps what was found', () => {
    const results = [{ name: 'ContainerRuntimeVersion', outcome: 'warning', text: long, fix: problem.fix }] as const;
    const { text } = preflightAnswer([{ host: '192.168.3.129', results }], columns);
    expect(widest(text)).toBeLessThanOrEqual(columns);
    expect(words(text)).toContain(words(long));
    expect(words(text)).toContain(words(`do: ${problem.fix}`));
  });

  test('tables of certificates, tokens and etcd fit', () => {
    const now = new Date('2026-11-21T08:44:58Z');
    const row = { name: 'apiserver-kubelet-client', caName: 'ca', notAfter: now, isExternal: false };
    const expirations = { certificates: [row, { ...row, notAfter: undefined }], authorities: [{ ...row, name: 'ca' }] };
    expect(widest(expirationTable(expirations, now, columns))).toBeLessThanOrEqual(columns);
    const token = {
      token: 'abcdef.0123456789abcdef',
      id: 'abcdef',
      description: 'Proxy for managing TTL for the kubeadm-certs secret',
      expires: now,
      usages: ['signing', 'authentication'],
      groups: ['system:bootstrappers:kubeadm:default-node-token'],
    };
    expect(widest(tokenRow(token, now, true, columns) + tokenRow(token, now, false, columns))).toBeLessThanOrEqual(
      columns,
    );
    const member = { id: '1', name: 'master1', peerUrls: [], clientUrls: ['https://a:2379'], isLearner: false };
    const { header, rows } = statusTable([{ member, health: { kind: 'down', reason: long } }]);
    expect(widest(boxed(header, rows, columns))).toBeLessThanOrEqual(columns);
    expect(words(boxed(header, rows, columns))).toContain(words(long));
  });
});

test('a table that is too wide is a block for each row, with its header beside each cell', () => {
  const row = { name: 'a', caName: 'ca', notAfter: new Date('2027-11-21T08:44:56Z'), isExternal: false };
  const now = new Date('2026-11-21T08:44:58Z');
  expect(expirationTable({ certificates: [row, { ...row, name: 'b' }], authorities: [] }, now, 60)).toContain(
    `CERTIFICATE            a
EXPIRES                Nov 21, 2027 08:44 UTC
RESIDUAL TIME          364d
CERTIFICATE AUTHORITY  ca
EXTERNALLY MANAGED     no

CERTIFICATE            b
`,
  );
});

test('nothing is wrapped where nothing counts columns', () => {
  expect(renderProblem(problem)).toContain(`│ found   ${long}\n`);
});

test('COLUMNS decides, then the terminal; tables in the form of others are limited by a terminal alone', () => {
  const stream = { write: () => true, columns: 100 };
  const terminal = { ...stream, isTTY: true };
  expect(columnsFor(terminal, {})).toBe(100);
  expect(columnsFor(terminal, { COLUMNS: '60' })).toBe(60);
  expect(columnsFor(stream, {})).toBeUndefined();
  expect(columnsFor(stream, { COLUMNS: '60' })).toBe(60);
  expect(columnsFor(terminal, { COLUMNS: 'wide' })).toBe(100);
  expect(terminalColumns(terminal, { COLUMNS: '60' })).toBe(60);
  expect(terminalColumns(stream, { COLUMNS: '60' })).toBeUndefined();
});

test('the column of phases is as wide from the first line on as the longest phase of the run needs', () => {
  const host = 'node1';
  const phases = ['preflight', 'kubelet-wait-bootstrap'];
  let text = '';
  const reporter = plainReporter({ write: (part) => (text += part) });
  reporter.emit({ kind: 'run-start', command: 'join', hosts: [host], phases });
  for (const phase of phases) reporter.emit({ kind: 'phase-end', phase, host, outcome: 'done', seconds: 1 });
  const [first = '', second = ''] = text.split('\n');
  expect(first.indexOf('done')).toBe(second.indexOf('done'));
});
