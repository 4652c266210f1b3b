import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { assertDifferent, endTogether, failuresOf, onEach, unlessTaken } from '../../../../src/cli/run/fan-out.ts';
import { KbError, type Problem } from '../../../../src/errors.ts';
import { noLock } from '../../../../src/host/lock.ts';

const problem = (code: Problem['code']): Problem => ({ code, summary: 's', detail: 'd', fix: 'f' });

function endOf(targets: readonly string[], failed: readonly string[], argv: readonly string[] = []): KbError {
  try {
    endTogether(
      targets,
      failed.map((item) => ({ item, problems: [problem('KB_SSH_UNREACHABLE')] })),
      argv,
    );
  } catch (error) {
    if (error instanceof KbError) return error;
  }
  throw new Error('expected a KbError');
}

test('one that fails does not hold the others', async () => {
  const ended = await onEach(2, ['a', 'dead', 'c'], async (name) => {
    if (name === 'dead') throw new KbError(problem('KB_SSH_UNREACHABLE'));
    return name.toUpperCase();
  });
  expect(ended.map((one) => ('value' in one ? one.value : one.item))).toEqual(['A', 'dead', 'C']);
  expect(failuresOf(ended).map(({ item }) => item)).toEqual(['dead']);
});

test('a slow one holds only its own place', async () => {
  const order: string[] = [];
  await onEach(2, ['slow', 'b', 'c', 'd'], async (name) => {
    if (name === 'slow') await wait(100);
    order.push(name);
  });
  expect(order).toEqual(['b', 'c', 'd', 'slow']);
});

test('no more are worked on at a time than there are places', async () => {
  let [now, most] = [0, 0];
  await onEach(3, [1, 2, 3, 4, 5, 6, 7, 8], async () => {
    most = Math.max(most, ++now);
    await wait(5);
    now--;
  });
  expect(most).toBe(3);
});

test("a bug that one host brings out is that host's failure, and ends no other", async () => {
  const work = async (host: string): Promise<string> => {
    if (host === 'a') throw new TypeError('a bug');
    return host;
  };
  const ended = await onEach(2, ['a', 'b'], work);
  expect(ended[0]).toMatchObject({ item: 'a', problems: [{ code: 'KB_BUG', detail: 'a bug' }] });
  expect(ended[1]).toEqual({ item: 'b', value: 'b' });
  expect(new KbError(failuresOf(ended).flatMap(({ problems }) => problems)).exitCode).toBe(70);
});

test('where some are done the command ends with 1, lists the hosts and gives the command for the others', () => {
  const argv = [
    'join',
    '10.0.0.1:6443',
    '--host',
    'root@n1',
    '--host=root@n2',
    '--host',
    'root@n3:22',
    '--token',
    'x.y',
  ];
  const error = endOf(['root@n1', 'root@n2', 'root@n3:22'], ['root@n3:22', 'root@n2'], argv);
  expect(error.exitCode).toBe(1);
  expect(error.problems.map(({ code, host }) => `${code} ${host ?? ''}`)).toEqual([
    'KB_SSH_UNREACHABLE n3',
    'KB_SSH_UNREACHABLE n2',
    'KB_PARTIAL n2, n3',
  ]);
  expect(error.problems.at(-1)).toMatchObject({
    summary: '2 of 3 hosts failed',
    detail: 'done: n1; failed: n2, n3',
    fix: 'fix the problems above, then continue with: kbinit join 10.0.0.1:6443 --host=root@n2 --host root@n3:22 --token …',
  });
});

test('where all failed, why is the end: the same command goes on', () => {
  const error = endOf(['a', 'b'], ['a', 'b']);
  expect(error.exitCode).toBe(4);
  expect(error.has('KB_PARTIAL')).toBe(false);
});

test('where none failed, nothing is said', () => {
  expect(() => endTogether(['a', 'b'], [], [])).not.toThrow();
});

test.each([
  [['root@a', 'other@a'], false],
  [['root@a:22', 'root@a:2222'], true],
  [['a', 'b'], true],
])('%j may be named together: %s', (targets, isAllowed) => {
  const judge = (): void => assertDifferent(targets);
  if (isAllowed) expect(judge).not.toThrow();
  else expect(judge).toThrow('KB_TARGET');
});

test('one that hangs is given up when the time of the run is up (R31)', async () => {
  const up = new KbError(problem('KB_DEADLINE'));
  const overdue = new Promise<never>((_, reject) => setTimeout(() => reject(up), 10));
  const hanging = new Promise<never>(() => undefined);
  const ended = await onEach(2, ['well', 'hangs'], (name) =>
    unlessTaken({ lock: noLock, overdue }, name === 'well' ? Promise.resolve('done') : hanging),
  );
  expect(ended).toMatchObject([{ value: 'done' }, { problems: [{ code: 'KB_DEADLINE' }] }]);
});
