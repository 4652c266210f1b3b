import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { completionScript } from '../../../../src/cli/commands/completion-script.ts';
import { program } from '../../../../src/cli/main.ts';
import { isMissing } from '../../../programs.ts';

const folder = mkdtempSync(join(tmpdir(), 'kbinit-completion-'));

function scriptFile(shell: 'bash' | 'zsh' | 'fish'): string {
  const file = join(folder, shell);
  writeFileSync(file, completionScript(program(), shell));
  return file;
}

/** What bash would offer for a line; the last word is being typed. */
function offered(line: string): readonly string[] {
  const words = line.split(' ').map((word) => `'${word}'`);
  const script = `source ${scriptFile('bash')}; COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; _kbinit; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', script], { encoding: 'utf8' })
    .split('\n')
    .filter((word) => word !== '');
}

test.each([
  ['kbinit ini', ['init']],
  ['kbinit init phase ce', ['certs']],
  ['kbinit init phase certs etcd-c', ['etcd-ca']],
  ['kbinit --v 1 config images ', ['list', 'pull']],
  ['kbinit init --pod-n', ['--pod-network-cidr']],
  ['kbinit init --cni ', ['flannel', 'none']],
  ['kbinit init --node-name pha', []],
  ['kbinit completion f', ['fish']],
])('bash offers for %j', (line, words) => {
  expect(offered(line)).toEqual(words);
});

for (const shell of ['zsh', 'fish'] as const) {
  test.skipIf(isMissing(`/usr/bin/${shell}`))(`${shell} can read its script`, () => {
    execFileSync(shell, ['-n', scriptFile(shell)]);
  });
}

test.skipIf(isMissing('/usr/bin/fish'))('fish offers the phases of init', () => {
  const ask = `source ${scriptFile('fish')}; complete -C 'kbinit init phase cer'`;
  expect(execFileSync('fish', ['-c', ask], { encoding: 'utf8' })).toMatch(/^certs\t/);
});
