// The plain view, line by line.
import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../../src/report/events.ts';
import { plainReporter, type PlainOptions } from '../../../src/report/plain.ts';

/** What a run of these events prints. */
function printed(events: readonly RunEvent[], options: PlainOptions = {}): string {
  let text = '';
  const reporter = plainReporter({ write: (part) => (text += part) }, options);
  for (const event of events) reporter.emit(event);
  return text;
}

const host = 'master1';
const start = (phase: string): RunEvent => ({ kind: 'phase-start', phase, host, summary: '' });
const end = (phase: string, outcome: 'done' | 'unchanged' | 'failed', seconds = 0.84): RunEvent => ({
  kind: 'phase-end',
  phase,
  host,
  outcome,
  seconds,
});
const file = (outcome: 'created' | 'updated' | 'unchanged'): RunEvent => ({ kind: 'file', host, path: '/x', outcome });
const runEnd = (exitCode = 0): RunEvent => ({ kind: 'run-end', exitCode, seconds: 9.31 });

test('a run reads as one line a phase', () => {
  const events: RunEvent[] = [
    { kind: 'run-start', command: 'init', hosts: [host] },
    start('preflight'),
    { kind: 'warning', host, phase: 'preflight', name: 'Swap', text: 'swap is on' },
    end('preflight', 'done', 0.31),
    start('certs'),
    file('created'),
    file('created'),
    file('unchanged'),
    { kind: 'command', host, command: 'cat', code: 0, seconds: 0.1, stdout: 'noise' },
    { kind: 'step', host, text: 'detail' },
    end('certs', 'done'),
    start('upload-config'),
    { kind: 'object', host, object: 'ConfigMap kube-system/kubeadm-config', outcome: 'created' },
    end('upload-config', 'done'),
    { kind: 'phase-end', phase: 'upload-certs', host, outcome: 'skipped', reason: 'no --upload-certs', seconds: 0 },
    start('mark-control-plane'),
    end('mark-control-plane', 'done', 0.04),
    start('wait'),
    end('wait', 'unchanged', 74.6),
    runEnd(),
  ];
  expect(printed(events)).toBe(`master1  preflight           warning Swap: swap is on
master1  preflight           done  0.3s
master1  certs               2 files created  0.8s
master1  upload-config       1 object created  0.8s
master1  upload-certs        skipped: no --upload-certs
master1  mark-control-plane  done  0.0s
master1  wait                unchanged  1m 15s
done in 9.3s
`);
});

test('a run that found everything as it should be says so', () => {
  expect(printed([start('certs'), file('unchanged'), end('certs', 'unchanged'), runEnd()])).toBe(
    'master1  certs               unchanged  0.8s\nno changes, 9.3s\n',
  );
});

test.each([
  [1, 'failed after 9.3s\n'],
  [130, 'stopped after 9.3s\n'],
])('exit code %i ends with %o', (exitCode, last) => {
  expect(printed([runEnd(exitCode)])).toBe(last);
});

test('every line of a text about a host begins with its name, in one column for all hosts', () => {
  const text = printed([
    { kind: 'run-start', command: 'join', hosts: ['m1', 'worker-10'] },
    { kind: 'warning', host: 'm1', text: 'one\ntwo' },
    { kind: 'warning', host: 'worker-10', phase: 'preflight', text: 'three' },
  ]);
  expect(text).toBe(`m1                             warning one
m1                             two
worker-10  preflight           warning three
`);
});

test('a host cannot steer the terminal', () => {
  const text = printed([{ kind: 'warning', host, text: 'a\u001B[2J\u001B]0;title\u0007b\r\u009Bc' }]);
  expect(text).toMatch(/warning a\]0;titlebc\n$/);
});

describe('verbose', () => {
  const events: RunEvent[] = [
    start('certs'),
    file('created'),
    { kind: 'step', host, phase: 'certs', text: 'a step' },
    { kind: 'plan', host, action: 'create', text: 'write /x', content: 'one\ntwo\n' },
    end('certs', 'done', 1),
    end('wait', 'done', 3),
    runEnd(),
  ];

  test('adds steps, files and where the time went', () => {
    expect(printed(events, { verbose: true })).toBe(`master1                      /x created
master1  certs               a step
master1  certs               1 file created  1.0s
master1  wait                done  3.0s
where the time went
master1  certs     1.0s   25%
master1  wait      3.0s   75%
         sum       4.0s
dry run: nothing was changed, 9.3s
`);
  });

  test('is off by default; a plan is on standard output', () => {
    expect(printed(events)).toBe(`master1  certs               1 file created  1.0s
master1  wait                done  3.0s
dry run: nothing was changed, 9.3s
`);
  });
});

test('a phase of a dry run has planned what it would do; one that had nothing to plan has not', () => {
  const plan: RunEvent = { kind: 'plan', host, action: 'create', text: 'write /x' };
  expect(printed([start('certs'), plan, end('certs', 'done', 1), end('wait', 'done', 3)])).toBe(
    'master1  certs               planned  1.0s\nmaster1  wait                done  3.0s\n',
  );
});

test('a long wait gives a sign of life every 15 seconds, with the last answer', () => {
  let now = 0;
  let text = '';
  const reporter = plainReporter({ write: (part) => (text += part) }, { now: () => now });
  for (now = 0; now <= 31; now++) {
    reporter.emit({ kind: 'waiting', host, phase: 'wait', what: 'the API server', last: `answer ${now}` });
  }
  expect(text).toBe(`master1  wait                waiting for the API server (15.0s); last answer: answer 15
master1  wait                waiting for the API server (30.0s); last answer: answer 30
`);
});

test('a failed phase, then its problems, of which the last names the log, then the end', () => {
  const problem = { code: 'KB_X', summary: 's', detail: 'd', fix: 'f', host, phase: 'certs' } as const;
  const events: RunEvent[] = [
    { kind: 'run-start', command: 'init', hosts: [host], logPath: '/log.jsonl' },
    start('certs'),
    end('certs', 'failed'),
    { kind: 'problem', problem },
    { kind: 'problem', problem: { ...problem, code: 'KB_Y' } },
    runEnd(1),
  ];
  expect(printed(events)).toBe(`master1  certs               failed  0.8s
╷ KB_X  s
│ where   certs on master1
│ found   d
╵ do      f
╷ KB_Y  s
│ where   certs on master1
│ found   d
│ do      f
╵ log     /log.jsonl
failed after 9.3s
`);
  expect(printed(events, { color: true })).toContain('\u001B[31mfailed  0.8s\u001B[0m');
});

test('colour changes nothing but colour', () => {
  const events: RunEvent[] = [
    { kind: 'warning', host, phase: 'preflight', name: 'Swap', text: 'swap is on' },
    start('certs'),
    file('created'),
    end('certs', 'done', 65),
    { kind: 'phase-end', phase: 'etcd', host, outcome: 'skipped', seconds: 0 },
    runEnd(),
  ];
  const colored = printed(events, { color: true });
  expect(colored).toContain('\u001B[33mwarning\u001B[0m Swap');
  expect(colored).toContain('1 file created  \u001B[2m1m 05s\u001B[0m');
  // oxlint-disable-next-line no-control-regex -- the escape is what is looked for
  expect(colored.replaceAll(/\u001B\[\d+m/g, '')).toBe(printed(events));
});

test('secrets are masked', () => {
  expect(printed([{ kind: 'warning', host, text: 'abcdef.0123456789abcdef' }])).not.toContain('0123456789abcdef');
});

test('a command that is run for a purpose is a change, one that only looks is none', () => {
  const unchanged: RunEvent[] = [
    file('unchanged'),
    { kind: 'command', host, command: 'systemctl is-active kubelet', code: 0, seconds: 0 },
  ];
  const restart: RunEvent = {
    kind: 'command',
    host,
    command: 'systemctl restart kubelet',
    why: 'start it',
    code: 0,
    seconds: 0,
  };
  expect(printed([...unchanged, runEnd()])).toMatch(/^no changes, /);
  expect(printed([...unchanged, restart, runEnd()])).toMatch(/^done in /);
});
