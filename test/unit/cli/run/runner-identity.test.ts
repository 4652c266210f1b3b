import { expect, test } from 'vitest';
import { runnerFor, type RunnerSystem } from '../../../../src/cli/run/runner-identity.ts';

const system = (changes: Partial<RunnerSystem> = {}): RunnerSystem => ({
  user: 'ann',
  host: 'laptop',
  pid: 4711,
  mark: '3f2a9c01',
  isAlive: (pid) => pid === 4711,
  ...changes,
});

test('an identity names user, machine, process and what it works on', () => {
  expect(runnerFor('master2', system()).identity).toBe('ann@laptop pid 4711 [3f2a9c01] for master2');
});

test('a process of this machine that is gone is dead, one that runs is not', () => {
  const { isDead } = runnerFor('master2', system());
  expect(isDead('bob@laptop pid 12 [3f2a9c01] for master3')).toBe(true);
  expect(isDead('ann@laptop pid 4711 [3f2a9c01] for master3')).toBe(false);
});

test('nothing is known about processes of other machines, boots and containers, nor of other tools', () => {
  const { isDead } = runnerFor('master2', system());
  expect(isDead('bob@laptop pid 12 [00000000] for master3')).toBe(false);
  expect(isDead('bob@laptop pid 12 for master3')).toBe(false);
  expect(isDead('some-controller_1234')).toBe(false);
});

test('a machine that cannot tell its processes apart judges none', () => {
  const { identity, isDead } = runnerFor('master2', system({ mark: undefined }));
  expect(identity).toBe('ann@laptop pid 4711 for master2');
  expect(isDead('bob@laptop pid 12 [3f2a9c01] for master3')).toBe(false);
});
