import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConnectionLost } from '../../../src/host/failures.ts';
import type { Transport } from '../../../src/host/host.ts';
import { localTransport } from '../../../src/host/local.ts';
import { lockedHost, takeLock, type HostLock } from '../../../src/host/lock.ts';
import { openHost } from '../../../src/host/remote.ts';
import { sh } from '../../../src/host/shell.ts';
import { failureOf } from '../../fakes/failure.ts';

let folder: string;
let locks: HostLock[];
let warnings: string[];

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'kbinit-lock-')), 'run');
  [locks, warnings] = [[], []];
});

afterEach(async () => {
  await Promise.all(locks.map((lock) => lock.release()));
  await rm(join(folder, '..'), { recursive: true });
});

function take(identity: string, transport: Transport = localTransport('here')): HostLock {
  const owner = { identity, command: `kbinit init --config ${identity}.yaml` };
  const lock = takeLock(transport, { name: 'here', owner, folder, warn: (text) => void warnings.push(text) });
  locks.push(lock);
  return lock;
}

const holder = async (): Promise<readonly string[]> => (await readFile(join(folder, 'holder'), 'utf8')).split('\n');

/** A transport that can be cut under the lock's shell; the shell itself goes on, as on a host that has not noticed. */
function cuttable(): { readonly transport: Transport; readonly cut: () => void } {
  const inner = localTransport('here');
  let cut = (): void => undefined;
  const transport: Transport = {
    ...inner,
    exec: (command, io) =>
      Promise.race([
        inner.exec(command, io),
        new Promise<never>((_, reject) => (cut = () => reject(new ConnectionLost('here', 'gone', true)))),
      ]),
  };
  return { transport, cut: () => cut() };
}

test('the second one is told who has the host, since when and for what, and ends with exit code 6', async () => {
  await take('ann@laptop pid 4711').held();
  const start = performance.now();
  const second = take('bob@desk pid 12');
  const failure = await failureOf(second.held());
  expect(performance.now() - start).toBeLessThan(5000);
  expect(failure.exitCode).toBe(6);
  expect(failure.problems[0]?.detail).toMatch(
    /^ann@laptop pid 4711 has it since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ: kbinit init --config ann@laptop pid 4711\.yaml$/,
  );
  expect((await failureOf(second.refused)).has('KB_LOCKED')).toBe(true);
});

test('a host that one run reaches by two names is told as that, not as somebody else’s', async () => {
  await take('ann@laptop pid 4711 [3f2a9c01] for master1').held();
  const second = take('ann@laptop pid 4711 [3f2a9c01] for 192.168.3.29');
  const failure = await failureOf(second.refused);
  expect([failure.exitCode, failure.problems[0]?.code]).toEqual([1, 'KB_TARGET']);
  expect(failure.problems[0]?.detail).toBe('here and master1 lead to the same host');
});

test('the next one has it after a release', async () => {
  const first = take('ann');
  await first.held();
  await first.release();
  await take('bob').held();
  expect((await holder())[3]).toBe('bob');
  expect(warnings).toEqual([]);
});

test('others cannot read who has it', async () => {
  await take('ann').held();
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  expect((await stat(join(folder, 'holder'))).mode & 0o777).toBe(0o600);
});

test('a killed shell is replaced before the next change', async () => {
  const lock = take('ann');
  await lock.held();
  const [shell = ''] = await holder();
  process.kill(Number(shell), 'SIGKILL');
  await expect.poll(async () => (await holder())[0], { timeout: 10_000 }).not.toBe(shell);
  await lock.held();
  expect((await failureOf(take('bob').held())).problems[0]?.detail).toContain('ann');
});

test('after a lost connection the shell that it left behind makes room for the same run', async () => {
  const { transport, cut } = cuttable();
  const lock = take('ann', transport);
  await lock.held();
  const [shell] = await holder();
  cut();
  await expect.poll(async () => (await holder())[0], { timeout: 10_000 }).not.toBe(shell);
  await lock.held();
  expect((await holder())[3]).toBe('ann');
});

test('a host that another run took meanwhile is not changed any more', async () => {
  const inner = localTransport('here');
  const first = take('ann', inner);
  await first.held();
  const host = lockedHost(openHost(inner, { name: 'here', reporter: { emit: () => undefined } }), first);
  expect((await host.run(sh`echo changed`, 'change')).stdout).toBe('changed\n');
  const [shell = ''] = await holder();
  const second = take('bob');
  await wait(300);
  process.kill(Number(shell), 'SIGKILL');
  await second.held();
  expect((await failureOf(first.refused)).problems[0]?.detail).toContain('bob');
  expect((await failureOf(host.run(sh`echo changed`, 'change'))).has('KB_LOCKED')).toBe(true);
  expect((await host.probe(sh`echo seen`)).stdout).toBe('seen\n');
});

test('a host that cannot be locked is worked on, with a warning', async () => {
  const transport: Transport = {
    ...localTransport('here'),
    exec: () => Promise.resolve({ code: 7, stdout: 'unable 0\n', stderr: 'there is no flock\n' }),
  };
  await take('ann', transport).held();
  expect(warnings).toEqual(['host lock unavailable: concurrent kbinit runs will not be detected: there is no flock']);
});

test('who is not root gets no warning: nothing is changed anyway', async () => {
  const transport: Transport = {
    ...localTransport('here'),
    exec: () => Promise.resolve({ code: 7, stdout: 'unable 1000\n', stderr: 'mkdir: Permission denied\n' }),
  };
  await take('ann', transport).held();
  expect(warnings).toEqual([]);
});
