// What is made of containers that end while something waits for them.
import { expect, test } from 'vitest';
import type { KbError } from '../../../../src/errors.ts';
import type { StaticPod } from '../../../../src/kube/paths.ts';
import { explained } from '../../../../src/phases/diagnose/diagnose.ts';
import { watched, watchPods } from '../../../../src/phases/diagnose/watch.ts';
import { until } from '../../../../src/util/until.ts';
import { failureOf } from '../../../fakes/failure.ts';
import { runOn, type FakeContainer, type FakeNode } from './node.ts';

const stamp = (second: number): string => `E1201 00:00:${10 + second}.123456       1 run.go:72]`;
const noFile = (second: number): string =>
  String.raw`${stamp(second)} "command failed" err="error reading encryption provider configuration file \"/etc/enc.yaml\": open /etc/enc.yaml: no such file or directory"`;
const noEtcd = (second: number): string =>
  `${stamp(second)} "command failed" err="error creating storage factory: context deadline exceeded"`;

const ended = (name: StaticPod, attempt: number, log: string, more: Partial<FakeContainer> = {}): FakeContainer => ({
  name,
  attempt,
  log,
  ...more,
});

/** Wait for a component that never answers, for this long at most. */
async function failToWait(
  node: FakeNode | (() => FakeNode),
  { timeoutSeconds = 10, signal = new AbortController().signal } = {},
): Promise<{ error: KbError; seconds: number; ran: readonly string[]; states: readonly string[] }> {
  const name = 'kube-apiserver';
  const { ctx, host } = runOn(node, signal);
  const watch = watchPods(ctx, { phase: 'wait', components: ['etcd', 'kube-apiserver'], intervalMs: 10 });
  const begin = performance.now();
  const states = new Set<string>();
  const onTry = (): void => void states.add(watch.said(name) ?? '');
  const options = { timeoutSeconds, intervalMs: 5, signal, onTry };
  const wait = (): Promise<never> =>
    until(
      `${name} to be healthy`,
      options,
      watched<never>({ name, watch }, async () => ({ notYet: 'connection refused' })),
    );
  const error = await failureOf(explained(ctx, { kind: 'pod', name, watch }, wait)).finally(watch.stop);
  return {
    error,
    seconds: (performance.now() - begin) / 1000,
    ran: host.ran.map(({ command }) => command),
    states: [...states],
  };
}

test('two ends for one reason end the wait at once, in the words of the component', async () => {
  const { error, seconds } = await failToWait({
    containers: [ended('kube-apiserver', 0, noFile(1)), ended('kube-apiserver', 1, noFile(2))],
  });
  expect(seconds).toBeLessThan(5);
  expect(error.problems[0]).toMatchObject({
    code: 'KB_COMPONENT_NOT_HEALTHY',
    summary: 'kube-apiserver did not come up',
    evidence: [expect.stringContaining('/etc/enc.yaml')],
  });
  expect(error.problems[0]?.detail).toContain('kube-apiserver exited 2 times with exit code 1');
});

test('what is known meanwhile is in the line of the wait', async () => {
  const containers = [ended('kube-apiserver', 0, noFile(1))];
  const { states } = await failToWait({ containers }, { timeoutSeconds: 0.2 });
  expect(states.at(-1)).toMatch(
    /^exited 1 time: error reading encryption provider configuration file "\/etc\/enc.yaml"/,
  );
});

test.each([
  ['for different reasons', [noFile(1), `${stamp(2)} "command failed" err="another one"`], 1],
  ['because another component is not there yet', [noEtcd(1), noEtcd(2)], 1],
  [
    'because a port is not free yet',
    Array(2).fill(
      'E1201 00:00:01.1 1 a.go:1] "command failed" err="listen tcp 0.0.0.0:6443: bind: address already in use"',
    ),
    1,
  ],
  ['because they were stopped from outside', [noFile(1), noFile(2)], 137],
])('ends %s do not end the wait before its time', async (_, [first = '', second = ''], exitCode) => {
  const containers = [
    ended('kube-apiserver', 0, first, { exitCode }),
    ended('kube-apiserver', 1, second, { exitCode }),
  ];
  const { seconds } = await failToWait({ containers }, { timeoutSeconds: 0.3 });
  expect(seconds).toBeGreaterThan(0.25);
});

test('a container that was started again and runs is waited for', async () => {
  const running = { name: 'kube-apiserver' as const, attempt: 2 };
  const containers = [ended('kube-apiserver', 0, noFile(1)), ended('kube-apiserver', 1, noFile(2)), running];
  expect((await failToWait({ containers }, { timeoutSeconds: 0.3 })).seconds).toBeGreaterThan(0.25);
});

test('etcd that ends again and again is named by the wait for kube-apiserver (its disk is full)', async () => {
  const log = String.raw`{"level":"panic","ts":"2026-12-01T00:36:11.725425Z","caller":"etcdserver/bootstrap.go:663","msg":"failed to create WAL","error":"no space left on device","stacktrace":"go.etcd.io\n\tx"}`;
  const { error, seconds } = await failToWait({
    containers: [
      ended('etcd', 0, log, { exitCode: 2 }),
      ended('etcd', 1, log, { exitCode: 2 }),
      ended('kube-apiserver', 0, noEtcd(1)),
    ],
  });
  expect(seconds).toBeLessThan(5);
  expect(error.problems[0]).toMatchObject({ summary: 'etcd did not come up' });
  expect(error.problems[0]?.detail).toContain('the file system that etcd writes to is full on master1');
  expect(error.problems[0]?.evidence?.[0]).not.toContain('stacktrace');
});

test('what ended before this run began is not about it', async () => {
  const containers = [
    ended('kube-apiserver', 0, noFile(1), { at: -20 }),
    ended('kube-apiserver', 1, noFile(2), { at: -10 }),
  ];
  const { error, seconds } = await failToWait({ containers }, { timeoutSeconds: 0.3 });
  expect(seconds).toBeGreaterThan(0.25);
  expect(error.problems[0]?.detail).not.toContain('enc.yaml');
});

test('memory that ran out is the cause, whatever was said last', async () => {
  const [first, second] = [0, 1].map((attempt) =>
    ended('kube-apiserver', attempt, 'I1201 fine so far', { exitCode: 137, reason: 'OOMKilled' }),
  );
  const { error } = await failToWait({ containers: [first, second].filter((one) => one !== undefined) });
  expect(error.problems[0]?.detail).toContain('kube-apiserver was killed because it ran out of memory');
});

test('a run that is stopped while it waits says what it waited for in vain', async () => {
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 100);
  const { error } = await failToWait({ containers: [ended('kube-apiserver', 0, noFile(1))] }, { signal: stop.signal });
  expect(error.has('KB_INTERRUPTED')).toBe(true);
  expect(error.problems[0]?.detail).toMatch(/waited for kube-apiserver to be healthy: .*\/etc\/enc.yaml/);
  expect(error.problems[0]?.evidence?.[0]).toContain('command failed');
});

test("the host's own configuration of crictl never counts", async () => {
  const { ran } = await failToWait({ containers: [ended('kube-apiserver', 0, noFile(1))] }, { timeoutSeconds: 0.1 });
  const calls = ran.join('\n').match(/\bcrictl (?!>)\S+ \S+/g) ?? [];
  expect(calls.length).toBeGreaterThan(1);
  expect(new Set(calls)).toEqual(new Set(['crictl --config /dev/null']));
});

test.each([
  ['is restarted once when it ran before this run began', 500, 1],
  ['is left alone when this run started it', 0, 0],
])('a kubelet that may keep Pods waiting %s', async (_, kubeletAge, restarts) => {
  const containers = [ended('kube-apiserver', 5, noFile(1), { at: -60 })];
  const { ran } = await failToWait({ containers, kubeletAge }, { timeoutSeconds: 0.2 });
  expect(ran.filter((command) => command === 'systemctl restart kubelet')).toHaveLength(restarts);
});

test('what runs is not restarted', async () => {
  const containers = (['etcd', 'kube-apiserver'] as const).map((name) => ({ name, attempt: 0 }));
  const { ran } = await failToWait({ containers, kubeletAge: 500 }, { timeoutSeconds: 0.2 });
  expect(ran.join('\n')).not.toContain('systemctl restart');
});
