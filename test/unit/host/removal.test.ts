import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { removeAnswer, removeCommand } from '../../../src/host/removal.ts';
import { quote } from '../../../src/host/shell.ts';
import { failureOf } from '../../fakes/failure.ts';

const isRoot = process.getuid?.() === 0;
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kbinit-removal-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Tried {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What is left of what was asked about. */
  readonly left: string;
}

/** Run the removal in mounts of its own, where /srv and /home are empty folders in memory. */
function removing(paths: readonly string[], before: string, look: string, shell = 'sh'): Tried {
  writeFileSync(join(folder, 'script'), removeCommand('here', paths).text);
  const text = `
set -e
mount -t tmpfs kbinit-test /srv
mount -t tmpfs kbinit-test /home
cd ${quote(folder)}
${before}
set +e
LC_ALL=C ${shell} ${quote(join(folder, 'script'))} >out 2>err
echo "$? $(cd /; ${look})"
`;
  const said = execFileSync('unshare', ['-m', '--propagation', 'private', 'sh', '-c', text], { encoding: 'utf8' });
  const [, code = '', left = ''] = /^(\d+) ([^]*)$/.exec(said) ?? [];
  const read = (name: string): string => execFileSync('cat', [join(folder, name)], { encoding: 'utf8' });
  return { code: Number(code), stdout: read('out'), stderr: read('err'), left: left.trim() };
}

async function problemOf(paths: readonly string[], tried: Tried): Promise<string> {
  const failure = await failureOf(Promise.resolve().then(() => removeAnswer('here', paths, tried)));
  expect(failure.problems[0]?.code).toBe('KB_REMOVE');
  return failure.problems[0]?.detail ?? '';
}

describe.skipIf(!isRoot).each(['dash', 'bash'])(
  'a system folder is emptied by no name that leads to it (%s)',
  (shell) => {
    test.each([
      ['a link', 'ln -s /srv lnk', 'lnk'],
      ['a link to a link', 'ln -s /srv a; ln -s a lnk', 'lnk'],
      ['a link that is relative', 'ln -s ../../../../../../../srv lnk', 'lnk'],
      ['a link to /', 'ln -s / lnk', 'lnk'],
      ['a linked parent', 'ln -s / top', 'top/srv'],
      ['a bind mount', 'mkdir lnk; mount --bind /srv lnk', 'lnk'],
      ['a bind mount of /', 'mkdir top; mount --bind / top', 'top'],
      ['a folder below one that is the system’s', 'ln -s /usr/bin lnk', 'lnk'],
      ['a part of such a folder', 'mkdir -p /home/ops; ln -s /usr/share lnk', 'lnk/doc'],
      ["a user's home", 'mkdir /home/ops; echo x >/home/ops/f; ln -s /home/ops lnk', 'lnk'],
    ])('%s', async (_what, before, name) => {
      const paths = [join(folder, 'own', '/'), `${join(folder, name)}/`];
      const tried = removing(
        paths,
        `echo x >/srv/f; mkdir own; echo x >own/f; ${before}`,
        `cat /srv/f ${folder}/own/f`,
        shell,
      );
      expect(tried.left).toBe('x\nx');
      expect(tried.stdout).not.toContain('removed');
      expect(await problemOf(paths, tried)).toContain('belongs to the system; nothing was deleted');
    });
  },
);

describe.skipIf(!isRoot)('a link to a folder of its own', () => {
  test('is followed: the disk that it leads to is emptied, the link stays', () => {
    const tried = removing(
      [`${folder}/pki/`],
      'mkdir -p /srv/pki; echo x >/srv/pki/f; ln -s /srv/pki pki',
      `ls -d ${folder}/pki; ls /srv/pki`,
    );
    expect(tried).toMatchObject({ code: 0, stdout: 'removed 0\n', left: `${folder}/pki` });
  });

  test('that is a disk of its own is emptied', () => {
    const tried = removing(
      [`${folder}/etcd/`],
      'mkdir etcd; mount -t tmpfs t etcd; mkdir -p etcd/member',
      `ls ${folder}/etcd`,
    );
    expect(tried).toMatchObject({ code: 0, stdout: 'removed 0\n', left: '' });
  });
});

describe.skipIf(!isRoot).each(['dash', 'bash'])(
  'a mount is never crossed, and decides before the first deletion (%s)',
  (shell) => {
    test.each([
      ['plain', 'kd', 'm'],
      ['with a blank', 'k d', 'm'],
      ['with a blank and a digit behind it', 'k 1d', 'm 07'],
      ['with a tab, a newline and a backslash', 'k\t\n\\d', 'm\t1\\040'],
      ['with what looks like an octal number', 'k\\040d', 'm\\134'],
      ['with a star and brackets', 'k*[d]', '?'],
    ])('below a folder whose name is %s', async (_what, name, point) => {
      const own = join(folder, name);
      mkdirSync(join(own, point), { recursive: true });
      mkdirSync(join(folder, 'first'));
      writeFileSync(join(folder, 'first', 'f'), 'x');
      mkdirSync(join(folder, 'data'));
      writeFileSync(join(folder, 'data', 'f'), 'precious');
      const paths = [join(folder, 'first/'), `${own}/`];
      const look = `cat ${quote(join(own, point, 'f'))} ${quote(join(folder, 'first/f'))}`;
      const tried = removing(paths, `mount --bind data ${quote(join(own, point))}`, look, shell);
      expect(tried.left).toBe('preciousx');
      expect(tried.stdout).not.toContain('removed');
      expect(await problemOf(paths, tried)).toContain(JSON.stringify(join(own, point)));
    });

    test('beside a folder of nearly the same name is no hindrance', () => {
      const tried = removing(
        [`${folder}/kd/`],
        'mkdir -p kd kd1/m "kd m"; echo x >kd/f; mount -t tmpfs t kd1/m; mount -t tmpfs t "kd m"',
        `ls ${folder}/kd`,
        shell,
      );
      expect(tried).toMatchObject({ code: 0, left: '' });
    });
  },
);

test.each(['/srv/../srv/', '/srv/./', 'srv/', '/etc/../srv', './x'])(
  'a path such as %s is refused by name',
  async (path) => {
    const failure = await failureOf(Promise.resolve().then(() => removeCommand('here', [path])));
    expect(failure.problems[0]).toMatchObject({ code: 'KB_REMOVE', host: 'here' });
  },
);

test.each(['//srv/', '/srv//', '//', '/var//lib/', '/srv/'])('%s is refused before a command runs', async (path) => {
  const failure = await failureOf(Promise.resolve().then(() => removeCommand('here', [path])));
  expect(failure.problems[0]?.detail).toContain('belongs to the system');
});
