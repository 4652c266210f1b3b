import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Answer, farewell, frameInput, prologueCommand } from '../../../src/host/frame.ts';
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
  options: { stdin?: string; before?: string; input?: Buffer; farewell?: string } = {},
): Promise<ExecResult & { hasEnded: boolean; machineId: string | undefined }> {
  const child = spawn(shell, ['-c', `${options.before ?? ''}${prologueCommand(fence, '')}`], { detached: true });
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
