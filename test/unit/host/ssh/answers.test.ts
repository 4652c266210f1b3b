import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Transport } from '../../../../src/host/host.ts';
import { takeLock } from '../../../../src/host/lock.ts';
import { sh } from '../../../../src/host/shell.ts';
import { connectSsh } from '../../../../src/host/ssh/pool.ts';
import type { SshOptions } from '../../../../src/host/ssh/options.ts';
import { failureOf } from '../../../fakes/failure.ts';
import { answer, begin, startFakeSsh, type AskedCommand, type FakeSsh } from '../../../fakes/ssh-server.ts';

let folder = '';
let server: FakeSsh;
let transport: Transport | undefined;

async function connected(onCommand: (asked: AskedCommand) => void, more: Partial<SshOptions> = {}): Promise<Transport> {
  server = await startFakeSsh({ onCommand });
  transport = await connectSsh({
    host: '127.0.0.1',
    port: server.port,
    user: 'root',
    name: 'master1',
    homeDirectory: folder,
    acceptNewHostKeys: true,
    ...more,
  });
  return transport;
}

/** Write until the channel is closed, as fast as it takes it; the answer is how much that was. */
function endlessly({ channel }: AskedCommand, text: string): { written: number } {
  const chunk = Buffer.from(text.repeat(Math.ceil(32_768 / text.length)));
  const count = { written: 0 };
  const more = (): void => {
    if (channel.destroyed || !channel.writable) return;
    count.written += chunk.length;
    if (channel.write(chunk)) setImmediate(more);
    else channel.once('drain', more);
  };
  more();
  return count;
}

describe('what a host answers', () => {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kbinit-answers-'));
  });
  afterEach(async () => {
    await transport?.close();
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  test('endlessly is ended with a named error, and the connection serves the next command', async () => {
    let count = { written: 0 };
    let isFirst = true;
    const host = await connected((asked) => {
      if (!isFirst) return answer(asked, { stdout: 'fine' });
      isFirst = false;
      begin(asked);
      count = endlessly(asked, 'y\n');
    });
    const failure = await failureOf(host.exec(sh`yes`, { why: 'say yes' }));
    expect(failure.problems[0]).toMatchObject({ code: 'KB_ANSWER_TOO_LONG', host: 'master1' });
    expect(failure.problems[0]?.summary).toContain('say yes');
    expect(await host.exec(sh`true`)).toEqual({ code: 0, stdout: 'fine', stderr: '' });
    const before = count.written;
    await host.exec(sh`true`);
    expect(count.written).toBe(before);
  });

  test.each(['stdout', 'stderr'] as const)('without end before the shell has begun, on %s, is ended', async (name) => {
    const host = await connected((asked) => {
      endlessly(name === 'stdout' ? asked : { ...asked, channel: Object.assign(asked.channel.stderr) }, 'motd ');
    });
    expect((await failureOf(host.exec(sh`true`))).has('KB_ANSWER_TOO_LONG')).toBe(true);
  });

  test('is limited to what the caller says', async () => {
    const host = await connected((asked) => answer(asked, { stdout: 'x'.repeat(5000) }));
    expect((await host.exec(sh`true`, { limitBytes: 5000 })).stdout).toHaveLength(5000);
    const failure = await failureOf(host.exec(sh`true`, { limitBytes: 2000 }));
    expect(failure.has('KB_ANSWER_TOO_LONG')).toBe(true);
  });

  test('with both streams merged is refused at once', async () => {
    const host = await connected(({ channel, fence }) => {
      channel.write(`Welcome\n<${fence}${'1'.repeat(32)}${fence};<${fence}${fence};`);
    });
    const failure = await failureOf(host.exec(sh`true`, { timeoutSeconds: 30 }));
    expect(failure.problems[0]).toMatchObject({ code: 'KB_SSH_SHELL' });
    expect(failure.problems[0]?.summary).toContain('merges standard output and standard error');
  });

  test('to the lock without end costs no more than the lock may say, whatever comes before "held"', async () => {
    const host = await connected((asked) => {
      begin(asked);
      endlessly(asked, 'not held ');
    });
    const lock = takeLock(host, { name: 'master1', owner: { identity: 'ann', command: 'init' }, warn: () => {} });
    expect((await failureOf(lock.held())).has('KB_ANSWER_TOO_LONG')).toBe(true);
    await lock.release();
  });

  test('where --rootfs is an empty folder names the folder, and no connection', async () => {
    const words = "/usr/sbin/chroot: failed to run command '/bin/sh': No such file or directory";
    const host = await connected(
      ({ channel }) => {
        channel.stderr.write(`${words}\n`);
        channel.exit(127);
        channel.close();
      },
      { rootfs: '/srv/empty' },
    );
    const failure = await failureOf(host.exec(sh`true`));
    expect(failure.problems[0]).toMatchObject({ code: 'KB_ROOTFS', detail: words });
  });
});
