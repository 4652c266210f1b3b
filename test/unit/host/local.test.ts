import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { localTransport } from '../../../src/host/local.ts';
import { sh } from '../../../src/host/shell.ts';
import { failureOf } from '../../fakes/failure.ts';

const here = localTransport('here');

function isRunning(words: string): boolean {
  return execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).split('\n').includes(words);
}

test('a non-zero exit is a result', async () => {
  expect(await here.exec(sh`echo out; echo err >&2; exit 3`)).toEqual({ code: 3, stdout: 'out\n', stderr: 'err\n' });
});

test('a time-out names the purpose, shows the last words and leaves no process behind', async () => {
  const command = sh`echo working; sleep 98761 & (trap '' TERM; sleep 98762); echo no`;
  const failure = await failureOf(here.exec(command, { timeoutSeconds: 0.5, why: 'start the kubelet' }));
  expect(failure.problems[0]).toMatchObject({ code: 'KB_TIMEOUT', summary: 'gave up after 0.5 s: start the kubelet' });
  expect(failure.problems[0]?.detail).toContain('working');
  await wait(200);
  expect([isRunning('sleep 98761'), isRunning('sleep 98762')]).toEqual([false, false]);
});

test('a secret command that times out shows nothing of its output', async () => {
  const failure = await failureOf(here.exec(sh`echo s3cret; sleep 98763`, { timeoutSeconds: 0.3, secret: true }));
  expect(failure.message).not.toContain('s3cret');
});

test('an abort ends the command', async () => {
  const controller = new AbortController();
  const running = here.exec(sh`sleep 98764`, { signal: controller.signal });
  setTimeout(() => controller.abort(), 200);
  expect((await failureOf(running)).has('KB_INTERRUPTED')).toBe(true);
  expect(isRunning('sleep 98764')).toBe(false);
});

test('a command lets its background children go with it, and does not wait for them', async () => {
  const start = performance.now();
  expect((await here.exec(sh`sleep 3 & echo hi`)).stdout).toBe('hi\n');
  expect(performance.now() - start).toBeLessThan(2000);
});

test('dial reaches a listening port and says why it does not reach another', async () => {
  const server = createServer((socket) => socket.end('hello'));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? (address satisfies AddressInfo).port : 0;
  const stream = await here.dial('127.0.0.1', port);
  const chunks: string[] = [];
  for await (const chunk of stream) chunks.push(String(chunk));
  expect(chunks.join('')).toBe('hello');
  await new Promise((resolve) => {
    server.close(resolve);
  });
  await expect(here.dial('127.0.0.1', port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('an endless output is ended with a named error and leaves no process behind', async () => {
  const failure = await failureOf(here.exec(sh`sleep 98765 & yes`, { why: 'say yes' }));
  expect(failure.problems[0]).toMatchObject({ code: 'KB_ANSWER_TOO_LONG', host: 'here' });
  expect(isRunning('sleep 98765')).toBe(false);
});

test.skipIf(process.getuid?.() !== 0)('a run ends when it is done, also where nobody reaps the dead', () => {
  // Process 1 of this namespace is the run itself, which inherits what its commands leave.
  const run = `
    import { localTransport } from '${join(import.meta.dirname, '../../../src/host/local.ts')}';
    import { sh } from '${join(import.meta.dirname, '../../../src/host/shell.ts')}';
    const end = new AbortController();
    setTimeout(() => end.abort(), 300);
    await localTransport().exec(sh\`sleep 60 | sleep 60\`, { signal: end.signal }).catch(() => undefined);
    const start = performance.now();
    process.on('exit', () => console.log(Math.round(performance.now() - start)));`;
  const words = ['-p', '-f', '--mount-proc', process.execPath, '--import', 'tsx', '--input-type=module', '-e', run];
  expect(Number(execFileSync('unshare', words, { encoding: 'utf8' }))).toBeLessThan(1000);
});

test('a root without a shell is named, and no SSH connection', async () => {
  const root = mkdtempSync(join(tmpdir(), 'kbinit-root-'));
  const failure = await failureOf(localTransport('here', root).exec(sh`true`));
  rmSync(root, { recursive: true });
  expect(failure.problems[0]).toMatchObject({ code: 'KB_ROOTFS', summary: 'the folder of --rootfs cannot be entered' });
});

test('a shell that is killed is told without a word of SSH', async () => {
  const failure = await failureOf(here.exec(sh`kill -KILL 0`));
  expect(failure.problems[0]?.code).toBe('KB_SHELL_LOST');
  expect(failure.message).not.toContain('SSH');
});

test('a command enters the root file system it is given, and says which one cannot be entered', async () => {
  expect(await localTransport('here', '/').exec(sh`pwd`)).toMatchObject({ code: 0, stdout: '/\n' });
  const inside = localTransport('here', '/no/such/root');
  expect((await failureOf(inside.exec(sh`true`))).message).toContain('/no/such/root');
});
