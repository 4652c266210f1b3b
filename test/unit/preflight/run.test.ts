// Running checks: what stops the run, what is only told, and how the failure reads.
import { describe, expect, test } from 'vitest';
import { error, warning, type Check, type CheckResult, type Finding } from '../../../src/preflight/check.ts';
import { runChecks, type PreflightRun } from '../../../src/preflight/run.ts';
import { FakeHost, recordingReporter } from '../../fakes/host.ts';
import { failureOf } from '../../fakes/failure.ts';

const answer = '\n@@kbinit:identity\n0\nLinux\n\n@@kbinit:end\n';
const check = (...findings: readonly Finding[]): Check => ({ name: findings[0]?.name ?? 'Fine', run: () => findings });
const port = error('Port-6443', 'port 6443 is in use', 'stop it', { kind: 'path', path: '/x' });
const mem = error('Mem', 'too little memory', 'give it more');
const swap = warning('Swap', 'swap is on', '`swapoff -a`');

function start(
  batches: readonly (readonly Check[])[],
  options: Partial<PreflightRun> = {},
): { host: FakeHost; events: ReturnType<typeof recordingReporter>['events']; result: Promise<readonly Finding[]> } {
  const host = new FakeHost({ replies: [['@@kbinit', answer]] });
  const reporter = recordingReporter();
  return { host, events: reporter.events, result: runChecks({ host, batches, ignore: [], reporter, ...options }) };
}

test('the host is asked once, whatever the number of checks', async () => {
  const { host, result } = start([[{ ...check(), asks: { ports: [1] } }], [{ ...check(), asks: { ports: [2] } }]]);
  await result;
  expect(host.ran).toHaveLength(1);
  expect(host.ran[0]?.command).toContain("'0001|0002'");
});

test('warnings are told and returned, and the run goes on', async () => {
  const { events, result } = start([[check(swap)]]);
  expect(await result).toEqual([swap]);
  expect(events).toEqual([
    { kind: 'warning', host: 'master1', phase: 'preflight', name: 'Swap', text: 'swap is on; `swapoff -a`' },
  ]);
});

test('all errors of a batch are one failure with a problem each', async () => {
  const { result } = start([[check(port), check(swap), check(mem)]]);
  const { problems, exitCode } = await failureOf(result);
  expect(exitCode).toBe(1);
  expect(problems).toEqual([
    {
      code: 'KB_PREFLIGHT',
      summary: 'Port-6443',
      phase: 'preflight',
      host: 'master1',
      detail: 'port 6443 is in use',
      fix: 'stop it (or --ignore-preflight-errors=Port-6443)',
    },
    expect.objectContaining({ summary: 'Mem' }),
  ]);
});

test('after a batch with errors the next one is not judged', async () => {
  const { events, result } = start([[check(port)], [check(swap), check(mem)]]);
  expect((await failureOf(result)).problems).toHaveLength(1);
  expect(events).toEqual([]);
});

describe('--ignore-preflight-errors', () => {
  test.each([[['port-6443']], [['PORT-6443']], [[' Port-6443 ']], [['all']], [['All']]])(
    '%o makes the error a warning that says so',
    async (ignore) => {
      const { events, result } = start([[check(port)]], { ignore });
      expect(await result).toEqual([port]);
      expect(events).toEqual([
        expect.objectContaining({ kind: 'warning', name: 'Port-6443', text: 'port 6443 is in use (ignored); stop it' }),
      ]);
    },
  );

  test('a name ignores only its own check', async () => {
    const { result } = start([[check(port), check(mem)]], { ignore: ['mem', 'nonsense'] });
    expect((await failureOf(result)).problems.map((p) => p.summary)).toEqual(['Port-6443']);
  });
});

test('an explained finding is a note with its reason, neither error nor warning', async () => {
  const { events, result } = start([[check(port), check(swap)]], {
    isExplained: (finding) => (finding.about === undefined ? undefined : 'made by an earlier init'),
  });
  expect(await result).toEqual([swap]);
  expect(events[0]).toEqual({
    kind: 'step',
    host: 'master1',
    phase: 'preflight',
    text: 'Port-6443: port 6443 is in use (made by an earlier init)',
  });
});

test('what became of every check is handed over, also where the run fails', async () => {
  const seen: CheckResult[] = [];
  const batches = [[check(), { ...check(port), name: 'Port-6443' }, { ...check(mem), name: 'Mem' }, check(swap)]];
  const { result } = start(batches, {
    ignore: ['mem'],
    onResults: (results) => void seen.push(...results),
  });
  await failureOf(result);
  expect(seen.map(({ name, outcome }) => `${outcome} ${name}`)).toEqual([
    'passed Fine',
    'error Port-6443',
    'ignored Mem',
    'warning Swap',
  ]);
});
