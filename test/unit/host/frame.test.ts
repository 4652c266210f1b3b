import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Answer, commandEnvironment, farewell, frameInput, prologueCommand } from '../../../src/host/frame.ts';
import type { ExecResult } from '../../../src/host/host.ts';
import { script, sh, type Shell } from '../../../src/host/shell.ts';
import { isMissing } from '../../programs.ts';

const fence = 'f00dfeedf00dfeed';
const ownMachineId = /^[0-9a-f]{32}$/m.exec(
  existsSync('/etc/machine-id') ? readFileSync('/etc/machine-id', 'utf8') : '',
)?.[0];

/** Start the prologue as sshd would: the login shell gets one string. */
async function through(
  shell: string,
  command: Shell,
  options: {
    stdin?: string;
    before?: string;
    input?: Buffer;
    farewell?: string;
    environment?: NodeJS.ProcessEnv;
    /** What /bin/sh is on the host. */
    sh?: string;
  } = {},
): Promise<ExecResult & { hasEnded: boolean; machineId: string | undefined }> {
  const line = `${options.before ?? ''}${prologueCommand(fence, '')}`.replaceAll('/bin/sh', options.sh ?? '/bin/sh');
  const environment = options.environment && { ...process.env, ...options.environment };
  const child = spawn(shell, ['-c', line], { detached: true, ...(environment && { env: environment }) });
  const answer = new Answer(fence);
  child.stdin.on('error', () => {});
  child.stdin.write(options.input ?? frameInput(command, fence, options.stdin));
  if (options.input !== undefined) child.stdin.end();
  const settle = (): void => {
    if (answer.hasEnded) child.stdin.end(options.farewell ?? farewell);
  };
  child.stdout.on('data', (chunk: Buffer) => {
    answer.pushStdout(chunk);
    settle();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    answer.pushStderr(chunk);
    settle();
  });
  await new Promise((resolve) => {
    child.once('close', resolve);
  });
  return { ...answer.result, hasEnded: answer.hasEnded, machineId: answer.machineId };
}

const listedShells = ['/usr/bin/zsh', '/usr/bin/ksh', '/usr/bin/fish', '/usr/bin/tcsh', '/usr/bin/csh'] as const;
const loginShells = ['/bin/sh', '/bin/bash', '/bin/dash', ...listedShells] as const;

for (const shell of loginShells) {
  describe.skipIf(isMissing(shell))(`behind the login shell ${shell}`, () => {
    test('a script with every special character runs to the letter', async () => {
      const command = sh`printf '%s|' ${['a b', "it's", '$HOME', '`id`', '!!', 'x\ny', '\\n', '*', '']}; exit 7`;
      const result = await through(shell, command);
      expect(result).toMatchObject({ code: 7, stdout: "a b|it's|$HOME|`id`|!!|x\ny|\\n|*||", stderr: '' });
    });

    test('standard input arrives byte for byte', async () => {
      const stdin = `${'x'.repeat(200_000)}\n$(id) '"\\\n\nend`;
      expect((await through(shell, sh`cat`, { stdin })).stdout).toBe(stdin);
    });
  });
}

/** Each changes what a shell or a program does. */
const harmful = {
  TMOUT: '1',
  IFS: 'x',
  ENV: '/no/such/file',
  BASH_ENV: '/no/such/file',
  CDPATH: '/tmp',
  POSIXLY_CORRECT: 'y',
  GREP_OPTIONS: '--color=always',
  TAR_OPTIONS: '--verbose',
  LS_COLORS: 'x',
  LD_LIBRARY_PATH: '/no/such/folder',
  LANG: 'de_DE.UTF-8',
  'BASH_FUNC_printf%%': '() { echo replaced; }',
  'BASH_FUNC_env%%': '() { echo replaced; }',
  'BASH_FUNC_head%%': '() { echo replaced; }',
};

describe.each(loginShells.filter((path) => existsSync(path)))('in the environment of a login by %s', (shell) => {
  let folder = '';
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test.each(['/bin/bash', '/bin/dash'])('a command has its own, where /bin/sh is %s', async (real) => {
    folder = mkdtempSync(join(tmpdir(), 'kbinit-frame-'));
    symlinkSync(real, join(folder, 'sh'));
    const environment = { ...harmful, HOME: '/root', SSH_CONNECTION: '1 2 3 4', SUDO_USER: 'ops', no_proxy: '' };
    const command = script`printf 'a b\n'; env | grep -v ^_= | sort`;
    const { stdout, code } = await through(shell, command, { environment, sh: join(folder, 'sh') });
    const names = stdout.split('\n').flatMap((line) => /^(\w+)=/.exec(line)?.[1] ?? []);
    expect({ code, first: stdout.split('\n')[0] }).toEqual({ code: 0, first: 'a b' });
    expect(names.filter((name) => !['PWD', 'SHLVL', 'OLDPWD'].includes(name))).toEqual([
      'HOME',
      'LC_ALL',
      'PATH',
      'SSH_CONNECTION',
      'SUDO_USER',
      'no_proxy',
    ]);
  });

  test('a proxy keeps its password, which is in no argument on the way', async () => {
    const environment = { https_proxy: 'http://u:p%40w@proxy:1', HTTP_PROXY: 'http://other:2', no_proxy: 'a, b' };
    const command = script`printf '%s|' "$https_proxy" "$HTTP_PROXY" "$no_proxy"; cat`;
    const { stdout } = await through(shell, command, { environment, stdin: 'data' });
    expect(stdout).toBe('http://u:p%40w@proxy:1|http://other:2|a, b|data');
    expect(prologueCommand(fence, '').match(/exec env [^;]*proxy/g)).toEqual(null);
  });
});

test('readonly TMOUT of a .bashrc ends no command', async () => {
  const before = 'TMOUT=1; readonly TMOUT; export TMOUT; ';
  const folder = mkdtempSync(join(tmpdir(), 'kbinit-frame-'));
  symlinkSync('/bin/bash', join(folder, 'sh'));
  const { stdout } = await through('/bin/bash', sh`sleep 3; echo finished`, { before, sh: join(folder, 'sh') });
  rmSync(folder, { recursive: true });
  expect(stdout).toBe('finished\n');
});

test('a command on this machine has the same environment', () => {
  const own = { ...harmful, HOME: '/root', HTTPS_PROXY: 'http://proxy:1' };
  expect(Object.keys(commandEnvironment(own)).toSorted()).toEqual(['HOME', 'HTTPS_PROXY', 'LC_ALL', 'PATH']);
});

/** Seconds that an answer of this many bytes takes when it comes in pieces of 16. */
function secondsFor(bytes: number): number {
  const answer = new Answer(fence);
  const piece = Buffer.from('0123456789abcde\n');
  const start = performance.now();
  answer.pushStdout(Buffer.from(`<${fence}${fence};`));
  for (let n = 0; n < bytes; n += piece.length) answer.pushStdout(piece);
  return performance.now() - start;
}

describe('an answer', () => {
  test('takes work by its length, not by the square of it', () => {
    secondsFor(2 ** 18);
    const [small, large] = [secondsFor(2 ** 20), secondsFor(2 ** 23)];
    expect(large / small).toBeLessThan(24);
  });

  test('keeps nothing of what comes after its limit', () => {
    const answer = new Answer(fence, 1000);
    answer.pushStdout(Buffer.from(`<${fence}${fence};`));
    for (let n = 0; n < 1000; n++) answer.pushStdout(Buffer.alloc(1000, 'x'));
    expect(answer.isTooLong).toBe(true);
    expect(answer.result.stdout.length).toBeLessThan(3000);
  });

  test('that is as long as its limit is whole', () => {
    const answer = new Answer(fence, 1000);
    answer.pushStdout(Buffer.from(`<${fence}${fence};${'x'.repeat(1000)}${fence}>0.`));
    answer.pushStderr(Buffer.from(`<${fence}${fence};${fence}>`));
    expect([answer.isTooLong, answer.hasEnded, answer.result.stdout.length]).toEqual([false, true, 1000]);
  });
});

describe('the frame', () => {
  test('keeps what a .bashrc prints out of both streams', async () => {
    const before = 'echo "Welcome!"; echo "motd <f00d" ; echo warning >&2; ';
    const result = await through('/bin/bash', sh`echo out; echo err >&2`, { before });
    expect(result).toMatchObject({ code: 0, stdout: 'out\n', stderr: 'err\n' });
  });

  test('passes over a line that is not its own: a sudo password that was not asked for', async () => {
    const input = Buffer.concat([Buffer.from('hunter2\n'), frameInput(sh`echo hi`, fence), Buffer.from(farewell)]);
    expect((await through('/bin/sh', sh``, { input })).stdout).toBe('hi\n');
  });

  test('a command without data reads the end of its input at once', async () => {
    expect((await through('/bin/sh', sh`cat; echo done`)).stdout).toBe('done\n');
  });

  test('a command need not read its data', async () => {
    expect((await through('/bin/sh', sh`echo hi`, { stdin: 'x'.repeat(1_000_000) })).stdout).toBe('hi\n');
  });

  test('data that was cut off never looks complete to the command', async () => {
    const whole = frameInput(sh`cat > /dev/null; echo complete`, fence, 'x'.repeat(1000));
    const result = await through('/bin/sh', sh``, { input: whole.subarray(0, whole.length - 500) });
    expect(result).toMatchObject({ hasEnded: false, stdout: '' });
  });

  test('sets PATH, LC_ALL and umask and starts in /', async () => {
    const { stdout } = await through('/bin/sh', script`umask; pwd; echo "$LC_ALL"; echo "$PATH"`);
    expect(stdout).toBe('0022\n/\nC\n/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n');
  });

  test('output without a newline at its end stays so, and an empty one empty', async () => {
    expect((await through('/bin/sh', sh`printf abc`)).stdout).toBe('abc');
    expect((await through('/bin/sh', sh`:`)).stdout).toBe('');
  });

  test('the script is in no argument list', async () => {
    const { stdout } = await through('/bin/sh', sh`: s3cret-word; ps -eo args | grep -c '[s]3cret-word' || :`);
    expect(stdout).toBe('0\n');
  });

  test('tells whose machine it is', async () => {
    const before = '_i=nonsense; export _i; ';
    expect((await through('/bin/sh', sh`:`, { before })).machineId).toBe(ownMachineId);
  });

  test.each([
    ['has none', `<${fence}${fence};`],
    ['has not made one yet', `<${fence}uninitialized${fence};`],
    ['has something else there', `<${fence}0 ; <x>.${fence};`],
  ])('a machine that %s is nobody, and its output is its output', (_, begin) => {
    const answer = new Answer(fence);
    for (const byte of `motd <f00d\n${begin}out\n${fence}>0.`) answer.pushStdout(Buffer.from(byte));
    answer.pushStderr(Buffer.from(`<${fence}${fence};${fence}>`));
    expect(answer).toMatchObject({ hasEnded: true, machineId: undefined, noise: 'motd <f00d' });
    expect(answer.result).toEqual({ code: 0, stdout: 'out\n', stderr: '' });
  });

  test('a syntax error is a result', async () => {
    const result = await through('/bin/sh', sh`if`);
    expect(result.code).not.toBe(0);
    expect(result.stderr).toMatch(/syntax|unexpected/i);
  });
});
