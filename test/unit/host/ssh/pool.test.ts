import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ConnectionLost } from '../../../../src/host/failures.ts';
import type { Transport } from '../../../../src/host/host.ts';
import { openHost } from '../../../../src/host/remote.ts';
import { sh, type Shell } from '../../../../src/host/shell.ts';
import { connectSsh } from '../../../../src/host/ssh/pool.ts';
import type { SshOptions } from '../../../../src/host/ssh/options.ts';
import { canRunSshd, freePort, makeKey, startSshd, wireTo, type Sshd } from './sshd.ts';
import { failureOf } from '../../../fakes/failure.ts';
import { isMissing } from '../../../programs.ts';

let sshd: Sshd;
let open: Transport[] = [];

function options(more: Partial<SshOptions> = {}): SshOptions {
  return {
    host: '127.0.0.1',
    port: sshd.port,
    user: 'root',
    name: 'master1',
    identityFiles: [sshd.key],
    homeDirectory: sshd.home,
    ...more,
  };
}

async function connected(more: Partial<SshOptions> = {}): Promise<Transport> {
  const transport = await connectSsh(options({ acceptNewHostKeys: true, ...more }));
  open.push(transport);
  return transport;
}

/** Lines of sshd's log that match, from a place in it on. */
function logged(pattern: RegExp, since = 0): readonly string[] {
  const lines = sshd.log().slice(since).split('\n');
  return lines.filter((line) => pattern.test(line));
}

function isRunning(words: string): boolean {
  return execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).split('\n').includes(words);
}

async function gone(words: string): Promise<boolean> {
  for (let n = 0; n < 100 && isRunning(words); n++) await wait(50);
  return !isRunning(words);
}

describe.skipIf(!canRunSshd)('ssh', () => {
  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterAll(() => sshd.stop());
  beforeEach(() => {
    rmSync(join(sshd.home, '.kbinit'), { recursive: true, force: true });
    rmSync(join(sshd.home, '.ssh'), { recursive: true, force: true });
  });
  afterEach(async () => {
    await Promise.all(open.map((transport) => transport.close()));
    open = [];
  });

  describe('the host key', () => {
    test('that is unknown is refused with its fingerprint and the way to accept it, before any login', async () => {
      const before = sshd.log().length;
      const failure = await failureOf(connectSsh(options({ ask: () => Promise.reject(new Error('asked')) })));
      const printed = execFileSync('ssh-keygen', ['-lf', join(sshd.folder, 'host-ed25519.pub')], { encoding: 'utf8' });
      expect(failure.problems[0]).toMatchObject({ code: 'KB_SSH_HOST_KEY_UNKNOWN', host: 'master1' });
      expect(failure.problems[0]?.detail).toContain(printed.split(' ')[1]);
      expect(failure.problems[0]?.fix).toContain('--accept-new-host-keys');
      expect(failure.exitCode).toBe(4);
      await wait(100);
      expect(logged(/userauth-request/, before)).toEqual([]);
      expect(existsSync(join(sshd.home, '.kbinit'))).toBe(false);
    });

    test('is recorded in a file of our own with --accept-new-host-keys, and known from then on', async () => {
      await connected();
      const file = join(sshd.home, '.kbinit/known_hosts');
      expect(readFileSync(file, 'utf8')).toBe(`[127.0.0.1]:${sshd.port} ${sshd.hostKey('ed25519')}\n`);
      expect([statSync(file).mode & 0o777, statSync(join(sshd.home, '.kbinit')).mode & 0o777]).toEqual([0o600, 0o700]);
      expect(existsSync(join(sshd.home, '.ssh'))).toBe(false);
      await connected({ acceptNewHostKeys: false });
    });

    test('that has changed is refused even with --accept-new-host-keys, naming the line', async () => {
      makeKey(join(sshd.home, 'other'), 'ed25519');
      const other = readFileSync(join(sshd.home, 'other.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
      mkdirSync(join(sshd.home, '.ssh'));
      const file = join(sshd.home, '.ssh/known_hosts');
      writeFileSync(file, `# mine\n[127.0.0.1]:${sshd.port} ${other}\n`);
      const failure = await failureOf(connected());
      expect(failure.problems[0]?.code).toBe('KB_SSH_HOST_KEY_CHANGED');
      expect(failure.problems[0]?.detail).toContain(`${file}:2`);
      expect(existsSync(join(sshd.home, '.kbinit'))).toBe(false);
    });

    test('is asked for in the type that known_hosts has', async () => {
      mkdirSync(join(sshd.home, '.ssh'));
      writeFileSync(join(sshd.home, '.ssh/known_hosts'), `[127.0.0.1]:${sshd.port} ${sshd.hostKey('ecdsa')}\n`);
      await connected({ acceptNewHostKeys: false });
    });

    test('that is revoked, or known by an authority only, has an error of its own', async () => {
      const file = join(sshd.home, 'known');
      writeFileSync(file, `@revoked * ${sshd.hostKey('ed25519')}\n`);
      expect((await failureOf(connected({ knownHostsFile: file }))).has('KB_SSH_HOST_KEY_REVOKED')).toBe(true);
      writeFileSync(file, `@cert-authority * ${sshd.hostKey('ecdsa')}\n`);
      expect((await failureOf(connected({ knownHostsFile: file }))).has('KB_SSH_HOST_CERTIFICATE')).toBe(true);
    });

    test('is not accepted where a known_hosts file cannot be read', async () => {
      mkdirSync(join(sshd.home, '.ssh/known_hosts'), { recursive: true });
      expect((await failureOf(connected())).has('KB_SSH_KNOWN_HOSTS')).toBe(true);
    });

    test('goes to the file given with --known-hosts, behind a last line without a newline', async () => {
      const file = join(sshd.home, 'given');
      writeFileSync(file, '# mine');
      await connected({ knownHostsFile: file });
      expect(readFileSync(file, 'utf8').split('\n')[1]).toBe(`[127.0.0.1]:${sshd.port} ${sshd.hostKey('ed25519')}`);
    });
  });

  describe('the login', () => {
    test('takes the default key of the home folder when none is named', async () => {
      mkdirSync(join(sshd.home, '.ssh'));
      writeFileSync(join(sshd.home, '.ssh/id_ed25519'), readFileSync(sshd.key), { mode: 0o600 });
      expect((await (await connected({ identityFiles: [] })).exec(sh`echo hi`)).stdout).toBe('hi\n');
    });

    test('asks for the passphrase of an encrypted key, and says when it is wrong', async () => {
      const key = join(sshd.home, 'locked');
      rmSync(key, { force: true });
      writeFileSync(key, readFileSync(sshd.key), { mode: 0o600 });
      execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'open sesame', '-f', key]);
      const questions: string[] = [];
      const ask = async (question: string): Promise<string> => {
        questions.push(question);
        return 'open sesame';
      };
      await connected({ identityFiles: [key], ask });
      expect(questions).toEqual([`passphrase for ${key}: `]);
      const wrong = await failureOf(connected({ identityFiles: [key], ask: async () => 'nope' }));
      expect(wrong.problems[0]).toMatchObject({ code: 'KB_SSH_KEY', host: 'master1' });
      expect(wrong.message).not.toContain('nope');
      expect((await failureOf(connected({ identityFiles: [key] }))).has('KB_SSH_KEY')).toBe(true);
    });

    test('names a key file that is not there, and one that is a public key', async () => {
      const missing = await failureOf(connected({ identityFiles: ['/nowhere/id'] }));
      expect(missing.problems[0]).toMatchObject({ code: 'KB_SSH_KEY' });
      expect(missing.message).toContain('/nowhere/id');
      expect((await failureOf(connected({ identityFiles: [`${sshd.key}.pub`] }))).has('KB_SSH_KEY')).toBe(true);
    });

    test('says which methods the host takes and what was tried', async () => {
      const key = join(sshd.home, 'stranger');
      if (!existsSync(key)) makeKey(key, 'ecdsa');
      const failure = await failureOf(connected({ identityFiles: [key] }));
      expect(failure.problems[0]?.code).toBe('KB_SSH_AUTH');
      expect(failure.problems[0]?.detail).toContain(`takes publickey; tried: key ${key}`);
    });

    test.skipIf(isMissing('/usr/bin/ssh-agent'))('uses a key of the agent, and asks it for no other', async () => {
      const socket = join(sshd.home, 'agent');
      rmSync(socket, { force: true });
      const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
      try {
        while (!existsSync(socket)) await wait(20);
        const env = { ...process.env, SSH_AUTH_SOCK: socket };
        for (let n = 0; n < 8; n++) {
          const key = join(sshd.home, `spare${n}`);
          if (!existsSync(key)) makeKey(key, 'ed25519');
          execFileSync('ssh-add', ['-q', key], { env });
        }
        execFileSync('ssh-add', ['-q', sshd.key], { env });
        // Nine keys are more than MaxAuthTries forgives: the named key's copy in the agent has to go first.
        const locked = join(sshd.home, 'agent-locked');
        rmSync(locked, { force: true });
        writeFileSync(locked, readFileSync(sshd.key), { mode: 0o600 });
        writeFileSync(`${locked}.pub`, readFileSync(`${sshd.key}.pub`));
        execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'locked', '-f', locked]);
        await connected({ identityFiles: [locked], agentSocket: socket });
        const refused = await failureOf(connected({ identityFiles: [], agentSocket: socket }));
        expect(refused.has('KB_SSH_AUTH')).toBe(true);
      } finally {
        agent.kill();
      }
    });

    test('passes over files of the configuration that are not there, and takes a public one for its agent key', async () => {
      const nothing = { identityFiles: [], configuredIdentityFiles: ['/nowhere/id'] };
      expect((await failureOf(connected(nothing))).has('KB_SSH_AUTH')).toBe(true);
      await connected({ identityFiles: [], configuredIdentityFiles: ['/nowhere/id', sshd.key] });
      await connected({ identityFiles: [], configuredIdentityFiles: [`${sshd.key}.pub`, sshd.key] });
    });

    test('that only a user certificate would open is told as such', async () => {
      const key = join(sshd.home, 'certified');
      if (!existsSync(key)) makeKey(key, 'ed25519');
      expect((await failureOf(connected({ identityFiles: [key] }))).has('KB_SSH_AUTH')).toBe(true);
      execFileSync('ssh-keygen', ['-q', '-s', sshd.key, '-I', 'me', '-n', 'root', `${key}.pub`]);
      const failure = await failureOf(connected({ identityFiles: [key] }));
      expect(failure.problems[0]?.code).toBe('KB_SSH_USER_CERTIFICATE');
      expect(failure.problems[0]?.detail).toContain(`${key}-cert.pub is a certificate`);
      const named = await failureOf(connected({ identityFiles: [`${key}-cert.pub`] }));
      expect(named.message).toMatch(/KB_SSH_KEY.*certificate/);
      // A certificate beside a key that the host takes as it is disturbs nobody.
      await connected({ certificateFiles: [`${key}-cert.pub`] });
    });

    test('goes on without an agent that does not answer', async () => {
      await connected({ agentSocket: '/nowhere/agent' });
    });

    test('asks for no agent, X11 or port forwarding', async () => {
      await (await connected()).exec(sh`:`);
      expect(logged(/auth-agent-req|x11-req|tcpip-forward/)).toEqual([]);
    });
  });

  describe('the connection', () => {
    test('to a port where nothing listens is unreachable, at once', async () => {
      const start = performance.now();
      const failure = await failureOf(connected({ port: await freePort() }));
      expect(failure.problems[0]).toMatchObject({ code: 'KB_SSH_UNREACHABLE', host: 'master1' });
      expect(performance.now() - start).toBeLessThan(2000);
    });

    test('to something that never answers ends at the time-out', async () => {
      const server = createServer(() => {});
      const port = await freePort();
      await new Promise<void>((resolve) => {
        server.listen(port, '127.0.0.1', resolve);
      });
      const start = performance.now();
      const failure = await failureOf(connected({ port, connectTimeoutSeconds: 0.5 }));
      expect(failure.problems[0]?.code).toBe('KB_SSH_UNREACHABLE');
      expect(performance.now() - start).toBeLessThan(6000);
      server.close();
    });

    test('that is cut between two commands is made again', async () => {
      const wire = await wireTo(sshd.port);
      const transport = await connected({ port: wire.port });
      expect((await transport.exec(sh`echo 1`)).stdout).toBe('1\n');
      wire.cut();
      await wait(50);
      expect((await transport.exec(sh`echo 2`)).stdout).toBe('2\n');
      expect(wire.connections).toBe(2);
      await transport.close();
      await wire.stop();
    });

    test('that is cut under a command says that it may have run, and the command does not live on', async () => {
      const wire = await wireTo(sshd.port);
      const transport = await connected({ port: wire.port });
      const running = failureOf(transport.exec(sh`sleep 87651`));
      await wait(300);
      wire.cut();
      const failure = await running;
      expect(failure).toBeInstanceOf(ConnectionLost);
      expect(failure instanceof ConnectionLost && failure.isInFlight).toBe(true);
      expect(await gone('sleep 87651')).toBe(true);
      await transport.close();
      await wire.stop();
    });

    test('that is cut under a write or a probe is made again and the command repeated; under a run it is not', async () => {
      const wire = await wireTo(sshd.port);
      const transport = await connected({ port: wire.port });
      const host = openHost(transport, { name: 'master1', reporter: { emit: () => {} } });
      const probe = host.probe(sh`sleep 0.5; echo probed`);
      await wait(200);
      wire.cut();
      expect((await probe).stdout).toBe('probed\n');
      const run = failureOf(host.run(sh`sleep 0.5`, 'wait a little'));
      await wait(200);
      wire.cut();
      expect((await run).has('KB_SSH_LOST')).toBe(true);
      await host.close();
      await wire.stop();
    });

    test('that goes silent is noticed by the keepalive', async () => {
      const wire = await wireTo(sshd.port);
      const transport = await connected({ port: wire.port, keepaliveSeconds: 0.1 });
      const running = failureOf(transport.exec(sh`sleep 3`));
      await wait(100);
      wire.silence();
      const start = performance.now();
      expect((await running).has('KB_SSH_LOST')).toBe(true);
      expect(performance.now() - start).toBeLessThan(2000);
      await transport.close();
      await wire.stop();
    });

    test('checks the host key again when it is made again', async () => {
      const other = await startSshd();
      const wire = await wireTo(sshd.port);
      const transport = await connected({ port: wire.port });
      const port = wire.port;
      await wire.stop();
      const impostor = createServer((near) => {
        void import('node:net').then(({ connect }) => {
          const far = connect(other.port, '127.0.0.1');
          for (const socket of [near, far]) socket.on('error', () => {});
          near.pipe(far);
          far.pipe(near);
        });
      });
      await new Promise<void>((resolve) => {
        impostor.listen(port, '127.0.0.1', resolve);
      });
      await wait(50);
      expect((await failureOf(transport.exec(sh`:`))).has('KB_SSH_HOST_KEY_CHANGED')).toBe(true);
      impostor.close();
      await other.stop();
    });

    test('that comes back to another machine is refused, even where nothing was answered before the cut', async () => {
      const moving = await startSshd({ machineId: 'a'.repeat(32) });
      const wire = await wireTo(moving.port);
      const transport = await connected({ port: wire.port, identityFiles: [moving.key], homeDirectory: moving.home });
      const running = failureOf(transport.exec(sh`sleep 87652`));
      await wait(300);
      writeFileSync(join(moving.folder, 'machine-id'), `${'b'.repeat(32)}\n`);
      wire.cut();
      expect(await running).toBeInstanceOf(ConnectionLost);
      const failure = await failureOf(transport.exec(sh`:`));
      expect(failure.has('KB_SSH_HOST_REPLACED')).toBe(true);
      expect(failure.message).toMatch(/was a{32} and is b{32} now/);
      await transport.close();
      await wire.stop();
      await moving.stop();
    });

    test('that is being made again is given up by close', async () => {
      const wire = await wireTo(sshd.port);
      const transport = await connected({ port: wire.port });
      await transport.exec(sh`:`);
      await wire.stop();
      await wait(50);
      const waiting = failureOf(transport.exec(sh`:`));
      await wait(600);
      const start = performance.now();
      await transport.close();
      await waiting;
      expect(performance.now() - start).toBeLessThan(5000);
    });

    test('that does not come back within the time for it is unreachable', async () => {
      const wire = await wireTo(sshd.port);
      const transport = await connected({ port: wire.port, reconnectTimeoutSeconds: 1 });
      await transport.exec(sh`:`);
      await wire.stop();
      await wait(50);
      const start = performance.now();
      expect((await failureOf(transport.exec(sh`:`))).has('KB_SSH_UNREACHABLE')).toBe(true);
      expect(performance.now() - start).toBeGreaterThan(900);
      expect(performance.now() - start).toBeLessThan(6000);
    });

    test('ends with close, and takes no more commands', async () => {
      const transport = await connected();
      await transport.close();
      expect((await failureOf(transport.exec(sh`:`))).has('KB_SSH_LOST')).toBe(true);
    });
  });

  describe('a command', () => {
    test('gives its exit code, stdout and stderr', async () => {
      const transport = await connected();
      const command = sh`cat; echo ${"it's"} >&2; exit 7`;
      expect(await transport.exec(command, { stdin: 'data' })).toEqual({ code: 7, stdout: 'data', stderr: "it's\n" });
    });

    test('that takes too long is ended on the host too', async () => {
      const transport = await connected();
      const command = sh`echo working; sleep 87652`;
      const failure = await failureOf(transport.exec(command, { timeoutSeconds: 0.5, why: 'start the kubelet' }));
      expect(failure.problems[0]).toMatchObject({ code: 'KB_TIMEOUT', host: 'master1' });
      expect(failure.problems[0]?.summary).toContain('start the kubelet');
      expect(failure.problems[0]?.detail).toContain('working');
      expect(await gone('sleep 87652')).toBe(true);
      expect((await transport.exec(sh`echo next`)).stdout).toBe('next\n');
    });

    test('that is interrupted is ended on the host too', async () => {
      const transport = await connected();
      const controller = new AbortController();
      const running = failureOf(transport.exec(sh`sleep 87653`, { signal: controller.signal }));
      await wait(300);
      controller.abort();
      expect((await running).has('KB_INTERRUPTED')).toBe(true);
      expect(await gone('sleep 87653')).toBe(true);
    });

    test('gets past what a .bashrc prints', async () => {
      writeFileSync(join(sshd.home, '.bashrc'), 'echo "Welcome to master1"; echo noise >&2\n');
      const transport = await connected();
      expect(await transport.exec(sh`echo hi`)).toEqual({ code: 0, stdout: 'hi\n', stderr: '' });
      rmSync(join(sshd.home, '.bashrc'));
    });

    test('a hundred at once all run, eight at a time', async () => {
      const transport = await connected();
      const folder = join(sshd.home, 'running');
      mkdirSync(folder, { recursive: true });
      const command = (n: number): Shell =>
        sh`mkdir ${`${folder}/${n}`}; ls ${folder} | wc -l; sleep 0.02; rmdir ${`${folder}/${n}`}`;
      const results = await Promise.all(Array.from({ length: 100 }, (_, n) => transport.exec(command(n))));
      const counts = results.map(({ stdout }) => Number(stdout));
      expect(Math.min(...counts)).toBeGreaterThan(0);
      expect(Math.max(...counts)).toBeLessThanOrEqual(8);
    });

    test('five hundred leave no channel behind', async () => {
      const transport = await connected();
      const before = logged(/server_input_channel_req: channel \d+ request exec/).length;
      for (let batch = 0; batch < 25; batch++) {
        await Promise.all(Array.from({ length: 20 }, () => transport.exec(sh`:`)));
      }
      const lines = logged(/server_input_channel_req: channel \d+ request exec/).slice(before);
      // sshd gives a channel the lowest free number: one that leaked would push the others up.
      const numbers = lines.map((line) => Number(/channel (\d+) /.exec(line)?.[1]));
      expect(numbers.length).toBeGreaterThanOrEqual(500);
      expect(Math.max(...numbers.slice(-100))).toBeLessThanOrEqual(9);
    });

    test('files are written through it in one go', async () => {
      const host = openHost(await connected(), { name: 'master1', reporter: { emit: () => {} } });
      const path = join(sshd.home, 'written/file');
      const body = 'x'.repeat(2_000_000);
      expect(await host.write([{ path, mode: 0o600, body }])).toEqual([{ path, outcome: 'created' }]);
      expect(await host.read(path)).toBe(body);
    });
  });

  describe('a stream through the host', () => {
    test('reaches a port there', async () => {
      const server = createServer((socket) => socket.end('hello'));
      const port = await freePort();
      await new Promise<void>((resolve) => {
        server.listen(port, '127.0.0.1', resolve);
      });
      const stream = await (await connected()).dial('127.0.0.1', port);
      const chunks: string[] = [];
      for await (const chunk of stream) chunks.push(String(chunk));
      expect(chunks.join('')).toBe('hello');
      server.close();
    });

    test('is refused as a local connection would be', async () => {
      const transport = await connected();
      await expect(transport.dial('127.0.0.1', await freePort())).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    });
  });

  test('an sshd that allows one session at a time is enough', async () => {
    const narrow = await startSshd({ config: 'MaxSessions 1\nAllowTcpForwarding no' });
    const transport = await connected({ port: narrow.port, identityFiles: [narrow.key], homeDirectory: narrow.home });
    const results = await Promise.all([1, 2, 3, 4].map((n) => transport.exec(sh`sleep 0.1; echo ${n}`)));
    expect(results.map(({ stdout }) => stdout)).toEqual(['1\n', '2\n', '3\n', '4\n']);
    expect((await failureOf(transport.dial('127.0.0.1', 22))).has('KB_SSH_FORWARDING')).toBe(true);
    await transport.close();
    await narrow.stop();
  });

  /** Start a command that stays for the whole run. */
  async function startLasting(transport: Transport): Promise<{ readonly end: Promise<unknown> }> {
    let said = '';
    const end = transport.exec(sh`echo on; sleep 60`, { isLasting: true, onOutput: (stdout) => (said = stdout) });
    end.catch(() => undefined);
    await expect.poll(() => said).toBe('on\n');
    return { end };
  }

  test('a command that lasts takes no place from the others', async () => {
    const transport = await connected();
    const { end } = await startLasting(transport);
    const results = await Promise.all(Array.from({ length: 12 }, (_, n) => transport.exec(sh`sleep 0.2; echo ${n}`)));
    expect(results.map(({ stdout }) => stdout)).toEqual(Array.from({ length: 12 }, (_, n) => `${n}\n`));
    expect(await Promise.race([end, Promise.resolve('still there')])).toBe('still there');
    await transport.close();
    expect((await failureOf(end)).has('KB_SSH_LOST')).toBe(true);
  });

  test('a command that lasts gives way where sshd allows one session at a time', async () => {
    const narrow = await startSshd({ config: 'MaxSessions 1' });
    const transport = await connected({ port: narrow.port, identityFiles: [narrow.key], homeDirectory: narrow.home });
    const { end } = await startLasting(transport);
    const results = await Promise.all([1, 2, 3].map((n) => transport.exec(sh`echo ${n}`)));
    expect(results.map(({ stdout }) => stdout)).toEqual(['1\n', '2\n', '3\n']);
    expect((await failureOf(end)).has('KB_SSH_SHELL')).toBe(true);
    await transport.close();
    await narrow.stop();
  });

  test('an sshd that takes few logins at a time is asked again, until all are in', async () => {
    const few = await startSshd({ config: 'MaxStartups 2:50:4' });
    const more = { port: few.port, identityFiles: [few.key], homeDirectory: few.home };
    await connected(more);
    const transports = await Promise.all(Array.from({ length: 12 }, () => connected(more)));
    const answers = await Promise.all(transports.map((transport) => transport.exec(sh`echo in`)));
    expect(answers.map(({ stdout }) => stdout)).toEqual(Array.from({ length: 12 }, () => 'in\n'));
    expect(few.log()).not.toMatch(/Failed publickey/);
    await few.stop();
  });

  test.skipIf(!existsSync('/proc/net/if_inet6'))('an IPv6 address is reached, and known by its own name', async () => {
    const six = await startSshd({ config: 'ListenAddress ::1' });
    const more = { host: '::1', port: six.port, identityFiles: [six.key], homeDirectory: six.home };
    const transport = await connected(more);
    expect(transport.target).toBe(`root@[::1]:${six.port}`);
    expect((await transport.exec(sh`echo hi`)).stdout).toBe('hi\n');
    const known = readFileSync(join(six.home, '.kbinit/known_hosts'), 'utf8');
    expect(known).toContain(`[::1]:${six.port} ssh-ed25519 `);
    await six.stop();
  });

  test('a login shell that runs nothing is told apart from a lost connection', async () => {
    const forced = await startSshd({ config: 'ForceCommand echo This account is not available' });
    const more = { port: forced.port, identityFiles: [forced.key], homeDirectory: forced.home };
    const failure = await failureOf((await connected(more)).exec(sh`echo hi`));
    expect(failure.problems[0]?.code).toBe('KB_SSH_SHELL');
    expect(failure.problems[0]?.detail).toContain('This account is not available');
    await forced.stop();
  });
});
