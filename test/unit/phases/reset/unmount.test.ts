import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { quote } from '../../../../src/host/shell.ts';
import { unmountCommand } from '../../../../src/phases/reset/cleanup-node.ts';

const isRoot = process.getuid?.() === 0;
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kbinit-unmount-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Exit code and output of the script in mounts of its own, then the number of mounts below the test's folder. */
function unmounting(kubelet: string, mounts: readonly string[], shell: string): readonly string[] {
  writeFileSync(join(folder, 'script'), unmountCommand(join(folder, kubelet), []).text);
  const made = mounts.map((name) => {
    const point = quote(join(folder, name));
    return `mkdir -p ${point} && mount -t tmpfs kbinit-test ${point} || exit 9`;
  });
  const text = `${made.join('\n')}
said=$(LC_ALL=C ${shell} ${quote(join(folder, 'script'))})
echo "$? $(grep -c kbinit-test /proc/self/mounts) $said"
`;
  const args = ['-m', '--propagation', 'private', 'sh', '-c', text];
  return execFileSync('unshare', args, { encoding: 'utf8' }).trim().split(' ');
}

describe.skipIf(!isRoot).each(['dash', 'bash'])(
  'what is mounted below the kubelet folder is unmounted (%s)',
  (shell) => {
    test.each([
      ['a blank with a digit behind it', 'kubelet', ['kubelet/pv 1', 'kubelet/pv 07/x 7']],
      [
        'a tab, a newline and a backslash',
        'kubelet',
        ['kubelet/a\tb', 'kubelet/a\n1', 'kubelet/a\\040b', 'kubelet/end\n'],
      ],
      ['a blank in the folder itself', 'kube let', ['kube let/pods/a', 'kube let/pods/a/b c']],
      ['a mount in a mount', 'kubelet', ['kubelet/a', 'kubelet/a/b', 'kubelet/a/b/c']],
    ])('%s', (_what, kubelet, mounts) => {
      expect(unmounting(kubelet, mounts, shell)).toEqual(['0', '0']);
    });

    test('and nothing else: not the folder itself, not its neighbours', () => {
      expect(unmounting('kubelet', ['kubelet', 'kubelet2/a', 'kubelet/a'], shell)).toEqual(['0', '2']);
    });
  },
);
