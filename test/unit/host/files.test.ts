import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeBatch } from '../../../src/host/files.ts';
import { frameInput, prologueArguments } from '../../../src/host/frame.ts';
import type { Artifact, Host } from '../../../src/host/host.ts';
import { localTransport } from '../../../src/host/local.ts';
import { openHost } from '../../../src/host/remote.ts';
import { ustar } from '../../../src/host/tar.ts';
import type { RunEvent } from '../../../src/report/events.ts';
import { failureOf } from '../../fakes/failure.ts';
import { isMissing } from '../../programs.ts';

const isRoot = process.getuid?.() === 0;
let folder = '';
let events: RunEvent[] = [];
let host: Host;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kbinit-files-'));
  events = [];
  host = openHost(localTransport('here'), { name: 'here', reporter: { emit: (event) => events.push(event) } });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function at(name: string): string {
  return join(folder, name);
}

function file(name: string, body: string, mode = 0o600): Artifact {
  return { path: at(name), mode, body };
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o7777).toString(8);
}

/** Names of staging folders in /run; each test compares with what was there before it. */
function stages(): readonly string[] {
  return readdirSync('/run').filter((name) => name.startsWith('kbinit.'));
}

/** Give the folder a filesystem of its own while the function runs. */
async function mounted(options: string, run: () => Promise<void>): Promise<void> {
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'kbinit-test', folder]);
  try {
    await run();
  } finally {
    execFileSync('umount', [folder]);
  }
}

test('an archive is what tar reads: names, bytes and modes', () => {
  const bodies = ['', 'a', 'x'.repeat(512), `é\n${'y'.repeat(1023)}`];
  writeFileSync(at('a.tar'), ustar(bodies.map((body, n) => ({ name: String(n), body }))));
  execFileSync('tar', ['-xf', at('a.tar'), '-C', folder]);
  expect(bodies.map((_, n) => readFileSync(at(String(n)), 'utf8'))).toEqual(bodies);
  expect(modeOf(at('0'))).toBe('600');
});

describe.skipIf(!isRoot)('write', () => {
  test('creates files with their modes in folders with theirs, in the order given', async () => {
    const changes = await host.write(
      [file('d/secret', 'key'), file('d/public', 'cert', 0o644), file('d/empty', '')],
      [{ path: at('d'), mode: 0o700 }],
    );
    expect(changes.map(({ outcome }) => outcome)).toEqual(['created', 'created', 'created']);
    expect(changes.map(({ path }) => path)).toEqual([at('d/secret'), at('d/public'), at('d/empty')]);
    expect(['d', 'd/secret', 'd/public'].map((name) => modeOf(at(name)))).toEqual(['700', '600', '644']);
    expect(readFileSync(at('d/empty'), 'utf8')).toBe('');
  });

  test('any text arrives byte for byte', async () => {
    const bodies = fc.sample(fc.string({ unit: 'grapheme', maxLength: 300 }), { numRuns: 20, seed: 7 });
    const texts = [...bodies, "'\\$(id)`!\n\n", 'x'.repeat(3_000_000)].map((text) =>
      Buffer.from(text).toString('utf8'),
    );
    await host.write(texts.map((body, n) => file(`f${n}`, body)));
    const read = await host.readAll(texts.map((_, n) => at(`f${n}`)));
    expect(texts.filter((body, n) => read.get(at(`f${n}`)) !== body)).toEqual([]);
  });

  test('any name is a name', async () => {
    const names = ["it's", 'a b', '-rf', '$(touch pwn)', '`id`', 'x\ny', '*', '\\', '"', '日本'];
    await host.write(names.map((name) => file(name, name)));
    expect(readdirSync(folder).toSorted()).toEqual(names.toSorted());
    expect(names.map((name) => readFileSync(at(name), 'utf8'))).toEqual(names);
  });

  test.each(['000', '022', '027', '077'])('modes do not depend on the umask %s', async (mask) => {
    const before = process.umask(Number.parseInt(mask, 8));
    try {
      await host.write([file('d/a', 'x', 0o644), file('d/b', 'x', 0o600)], [{ path: at('d'), mode: 0o755 }]);
    } finally {
      process.umask(before);
    }
    expect(['d', 'd/a', 'd/b'].map((name) => modeOf(at(name)))).toEqual(['755', '644', '600']);
  });

  test('leaves an unchanged file alone: the same inode and time', async () => {
    await host.write([file('a', 'x')]);
    const before = statSync(at('a'));
    expect((await host.write([file('a', 'x')]))[0]?.outcome).toBe('unchanged');
    const after = statSync(at('a'));
    expect([after.ino, after.mtimeMs, after.ctimeMs]).toEqual([before.ino, before.mtimeMs, before.ctimeMs]);
  });

  test('replaces a changed file by a new one: who has it open keeps the old', async () => {
    await host.write([file('a', 'old')]);
    const before = statSync(at('a')).ino;
    expect((await host.write([file('a', 'new', 0o640)]))[0]?.outcome).toBe('updated');
    expect([readFileSync(at('a'), 'utf8'), modeOf(at('a'))]).toEqual(['new', '640']);
    expect(statSync(at('a')).ino).not.toBe(before);
  });

  test('repairs the mode and owner of a file whose content is right', async () => {
    writeFileSync(at('a'), 'key');
    chmodSync(at('a'), 0o644);
    execFileSync('chown', ['1:1', at('a')]);
    expect((await host.write([file('a', 'key')]))[0]?.outcome).toBe('updated');
    expect([modeOf(at('a')), statSync(at('a')).uid]).toEqual(['600', 0]);
  });

  test('sets the mode of a folder only when it makes it', async () => {
    mkdirSync(at('d'), { mode: 0o750 });
    await host.write([file('d/a', 'x')], [{ path: at('d'), mode: 0o700 }]);
    expect(modeOf(at('d'))).toBe('750');
  });

  test('refuses to write through a link and leaves its target alone', async () => {
    writeFileSync(at('victim'), 'precious');
    symlinkSync(at('victim'), at('link'));
    symlinkSync(at('nowhere'), at('dangling'));
    expect((await failureOf(host.write([file('link', 'x')]))).has('KB_SYMLINK')).toBe(true);
    expect((await failureOf(host.write([file('dangling', 'x')]))).has('KB_SYMLINK')).toBe(true);
    expect([readFileSync(at('victim'), 'utf8'), existsSync(at('nowhere'))]).toEqual(['precious', false]);
  });

  test('has nothing to refuse where a link leads to what is wanted', async () => {
    writeFileSync(at('kept'), 'same', { mode: 0o600 });
    symlinkSync('kept', at('..data'));
    symlinkSync('..data', at('link'));
    expect((await host.write([file('link', 'same')]))[0]?.outcome).toBe('unchanged');
    expect((await failureOf(host.write([file('link', 'other')]))).has('KB_SYMLINK')).toBe(true);
    expect((await failureOf(host.write([file('link', 'same', 0o640)]))).has('KB_SYMLINK')).toBe(true);
    expect([readFileSync(at('kept'), 'utf8'), modeOf(at('kept'))]).toEqual(['same', '600']);
  });

  describe('what is kept', () => {
    const kept = (name: string): Artifact => ({ ...file(name, 'text'), isKept: true });
    const secret = (name: string): Artifact => ({ ...kept(name), secret: true });

    test('keeps its mode, owner, inode and content, whatever they are', async () => {
      writeFileSync(at('sa.pub'), 'text');
      chmodSync(at('sa.pub'), 0o644);
      execFileSync('chown', ['7:8', at('sa.pub')]);
      const before = statSync(at('sa.pub'));
      expect(await host.write([kept('sa.pub')])).toEqual([{ path: at('sa.pub'), outcome: 'unchanged' }]);
      const after = statSync(at('sa.pub'));
      expect([after.mode, after.uid, after.gid, after.ino]).toEqual([before.mode, 7, 8, before.ino]);
    });

    test.each([0o644, 0o640, 0o604, 0o606])('loses a mode that lets others read a secret (%o)', async (mode) => {
      writeFileSync(at('ca.key'), 'text');
      chmodSync(at('ca.key'), mode);
      expect((await host.write([secret('ca.key')]))[0]?.outcome).toBe('updated');
      expect(modeOf(at('ca.key'))).toBe('600');
    });

    test.each([0o600, 0o400])('keeps the mode %o of a secret', async (mode) => {
      writeFileSync(at('ca.key'), 'text');
      chmodSync(at('ca.key'), mode);
      expect((await host.write([secret('ca.key')]))[0]?.outcome).toBe('unchanged');
      expect(statSync(at('ca.key')).mode & 0o777).toBe(mode);
    });

    test('is left alone behind a link, which is told where others can read it', async () => {
      for (const [name, mode] of [
        ['closed', 0o400],
        ['open', 0o644],
      ] as const) {
        mkdirSync(at(`..${name}`));
        writeFileSync(at(`..${name}/ca.key`), 'text', { mode });
        symlinkSync(`..${name}`, at(`..data-${name}`));
        symlinkSync(`..data-${name}/ca.key`, at(`${name}.key`));
      }
      expect(await host.write([secret('closed.key'), secret('open.key')])).toEqual([
        { path: at('closed.key'), outcome: 'unchanged' },
        { path: at('open.key'), outcome: 'unchanged', isOpen: true },
      ]);
      expect([modeOf(at('closed.key')), modeOf(at('open.key'))]).toEqual(['400', '644']);
    });
  });

  test('bytes that are no UTF-8 come and go as they are', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
    writeFileSync(at('a'), bytes, { mode: 0o600 });
    const body = (await host.readAll([at('a')], 'latin1')).get(at('a')) ?? '';
    expect((await host.write([{ ...file('a', body), encoding: 'latin1' }]))[0]?.outcome).toBe('unchanged');
    await host.write([{ ...file('a', `${body}x`), encoding: 'latin1' }]);
    expect(readFileSync(at('a')).equals(Buffer.concat([bytes, Buffer.from('x')]))).toBe(true);
  });

  describe('what a killed run left in /run', () => {
    const stage = (name: string): string => {
      const path = `/run/kbinit.${name}`;
      mkdirSync(path, { mode: 0o700 });
      writeFileSync(`${path}/0`, '-----BEGIN RSA PRIVATE KEY-----');
      return path;
    };
    const left: string[] = [];
    afterEach(() => left.splice(0).forEach((path) => rmSync(path, { recursive: true, force: true })));

    test.each([
      ['a write', () => host.write([file('a', 'x')])],
      ['a removal', () => host.remove([at('nothing')], 'clean up')],
    ])('is removed by %s', async (_what, act) => {
      left.push(stage('aB3dE6gH9j'));
      await act();
      expect(existsSync('/run/kbinit.aB3dE6gH9j')).toBe(false);
    });

    test('is removed by nobody while its command runs', async () => {
      left.push(stage('aB3dE6gH9k'));
      const holder = spawn('flock', ['/run/kbinit.aB3dE6gH9k', 'sh', '-c', 'echo held; read -r _'], { stdio: 'pipe' });
      await once(holder.stdout, 'data');
      await host.write([file('a', 'x')]);
      expect(existsSync('/run/kbinit.aB3dE6gH9k/0')).toBe(true);
      holder.stdin.end();
      await once(holder, 'close');
    });

    test('is told from a link, from a folder of another user and from another name', async () => {
      mkdirSync(at('elsewhere'));
      writeFileSync(at('elsewhere/precious'), 'x');
      symlinkSync(at('elsewhere'), '/run/kbinit.aB3dE6gH9l');
      left.push('/run/kbinit.aB3dE6gH9l', stage('aB3dE6gH9m'), stage('aB3dE6gH-n'), stage('other'));
      execFileSync('chown', ['1:1', '/run/kbinit.aB3dE6gH9m']);
      await host.write([file('a', 'x')]);
      expect(left.filter((path) => !existsSync(path))).toEqual([]);
      expect(existsSync(at('elsewhere/precious'))).toBe(true);
    });

    test('of a write whose data was cut goes with the next write', async () => {
      const before = stages();
      const { command, stdin } = writeBatch([file('key', `-----BEGIN RSA PRIVATE KEY-----\n${'x'.repeat(9000)}`)], []);
      const child = spawn('/bin/sh', prologueArguments('f00dfeed').slice(1), { detached: true });
      const input = frameInput(command, 'f00dfeed', stdin);
      child.stdin.write(input.subarray(0, input.length - 8192));
      while (stages().length === before.length) await delay(10);
      child.stdin.end();
      await once(child, 'close');
      expect(stages().filter((name) => !before.includes(name))).toHaveLength(1);
      await host.write([file('a', 'x')]);
      expect(stages()).toEqual(before);
    });
  });

  test('refuses a folder in the place of a file', async () => {
    mkdirSync(at('a'));
    expect((await failureOf(host.write([file('a', 'x')]))).problems[0]?.detail).toContain('it is a folder');
  });

  test('does not write through a link planted under the temporary name', async () => {
    writeFileSync(at('victim'), 'precious');
    symlinkSync(at('victim'), at('.a.kbinit'));
    await host.write([file('a', 'x')]);
    expect([readFileSync(at('victim'), 'utf8'), readFileSync(at('a'), 'utf8')]).toEqual(['precious', 'x']);
  });

  test('removes what a killed run left beside the target', async () => {
    writeFileSync(at('.a.kbinit'), 'half');
    await host.write([file('a', 'x')]);
    expect(readdirSync(folder)).toEqual(['a']);
  });

  test('a full disk changes no file of the batch and leaves nothing behind', async () => {
    const before = stages();
    await mounted('size=64k', async () => {
      await host.write([file('a', 'old a'), file('b', 'old b')]);
      const failure = await failureOf(host.write([file('a', 'new a'), file('b', 'x'.repeat(200_000))]));
      expect(failure.problems[0]).toMatchObject({ code: 'KB_DISK_FULL', host: 'here' });
      // The copies are made side by side: the large one may leave no room for the small one.
      expect(failure.problems[0]?.detail).toMatch(new RegExp(`^${folder}/[ab]: .*No space left`));
      expect(['a', 'b'].map((name) => readFileSync(at(name), 'utf8'))).toEqual(['old a', 'old b']);
      expect(readdirSync(folder).toSorted()).toEqual(['a', 'b']);
    });
    expect(stages()).toEqual(before);
  });

  test('a read-only filesystem is named in the words of the tool', async () => {
    await mounted('size=64k', async () => {
      await host.write([file('a', 'old')]);
      execFileSync('mount', ['-o', 'remount,ro', folder]);
      const failure = await failureOf(host.write([file('a', 'new')]));
      expect(failure.problems[0]).toMatchObject({ code: 'KB_WRITE' });
      expect(failure.problems[0]?.detail).toMatch(/Read-only file system/);
      expect(readFileSync(at('a'), 'utf8')).toBe('old');
      expect((await host.write([file('a', 'old')]))[0]?.outcome).toBe('unchanged');
    });
  });

  test.skipIf(isMissing('/usr/bin/strace'))('syncs the file before the rename and the folder after it', async () => {
    const { command, stdin } = writeBatch([file('a', 'x')], []);
    writeFileSync(at('script'), command.text);
    writeFileSync(at('in'), stdin);
    const calls = 'trace=openat,fsync,rename,renameat,renameat2,chmod,fchmodat';
    execFileSync('strace', ['-fy', '-e', calls, '-o', at('log'), 'sh', '-c', `sh ${at('script')} < ${at('in')}`]);
    const log = readFileSync(at('log'), 'utf8').split('\n');
    const first = (pattern: RegExp): number => log.findIndex((line) => pattern.test(line));
    const order = [
      first(/openat\(.*\.a\.kbinit".*O_EXCL.*0600|openat\(.*\.a\.kbinit".*O_EXCL.*0666/),
      first(/fsync\(\d+<.*\.a\.kbinit>/),
      first(/rename.*\.a\.kbinit/),
      first(new RegExp(`fsync\\(\\d+<${folder}>`)),
    ];
    expect(order).not.toContain(-1);
    expect(order).toEqual(order.toSorted((x, y) => x - y));
  });

  test('tells files by their path, never by their content, and the command', async () => {
    await host.write([{ ...file('a', 's3cret-body'), secret: true }]);
    await host.read(at('a'));
    expect(JSON.stringify(events)).not.toContain('s3cret-body');
    expect(events).toContainEqual({ kind: 'file', host: 'here', path: at('a'), outcome: 'created' });
    expect(events.filter(({ kind }) => kind === 'command')).toHaveLength(2);
  });

  test('takes one command however many files there are', async () => {
    await host.write(Array.from({ length: 40 }, (_, n) => file(`f${n}`, `body ${n}`)));
    expect(events.filter(({ kind }) => kind === 'command')).toHaveLength(1);
  });

  test('refuses relative paths, dots and a path that is given twice', async () => {
    for (const path of ['a', '/etc/../a', '/etc/a/']) {
      expect((await failureOf(host.write([{ path, mode: 0o600, body: '' }]))).has('KB_WRITE')).toBe(true);
      expect((await failureOf(host.write([], [{ path, mode: 0o700 }]))).has('KB_WRITE')).toBe(true);
    }
    await expect(host.write([file('a', '1'), file('a', '2')])).rejects.toThrow(TypeError);
  });
});

describe('read', () => {
  test('a file that is not there is undefined, and left out of many', async () => {
    writeFileSync(at('a'), 'x\n');
    expect(await host.read(at('nope'))).toBeUndefined();
    expect([...(await host.readAll([at('nope'), at('a')])).entries()]).toEqual([[at('a'), 'x\n']]);
  });

  test('a file of the kernel, whose size is 0, is read whole', async () => {
    expect(await host.read('/proc/sys/kernel/ostype')).toBe('Linux\n');
  });

  test('a folder is an error that names it', async () => {
    const failure = await failureOf(host.readAll([folder]));
    expect(failure.problems[0]).toMatchObject({ code: 'KB_READ' });
    expect(failure.problems[0]?.detail).toContain(folder);
  });
});

describe('remove', () => {
  test('removes files, empties folders but keeps them, and tells what was there', async () => {
    mkdirSync(at('d/e'), { recursive: true });
    for (const name of ['a', 'd/b', 'd/e/c', 'd/.hidden']) writeFileSync(at(name), 'x');
    await host.remove([at('a'), at('nope'), `${at('d')}/`, `${at('none')}/`], 'clean up');
    expect(readdirSync(folder)).toEqual(['d']);
    expect(readdirSync(at('d'))).toEqual([]);
    const removed = events.flatMap((event) => (event.kind === 'file' ? [event.path] : []));
    expect(removed).toEqual([at('a'), `${at('d')}/`]);
  });

  test('removes a link, not what it points to', async () => {
    writeFileSync(at('victim'), 'precious');
    mkdirSync(at('d'));
    symlinkSync(at('victim'), at('d/link'));
    symlinkSync(at('victim'), at('link'));
    await host.remove([at('link'), `${at('d')}/`], 'clean up');
    expect(readdirSync(folder).toSorted()).toEqual(['d', 'victim']);
  });

  test.skipIf(!isRoot)('touches nothing where something is mounted below, bind mounts included', async () => {
    for (const name of ['d/point', 'elsewhere']) mkdirSync(at(name), { recursive: true });
    for (const name of ['elsewhere/data', 'd/own']) writeFileSync(at(name), 'precious');
    execFileSync('mount', ['--bind', at('elsewhere'), at('d/point')]);
    try {
      const failure = await failureOf(host.remove([`${at('d')}/`], 'clean up'));
      expect(failure.problems[0]?.detail).toContain(at('d/point'));
      expect([existsSync(at('elsewhere/data')), existsSync(at('d/own'))]).toEqual([true, true]);
    } finally {
      execFileSync('umount', [at('d/point')]);
    }
  });

  test.each(['/', '/etc/', '/var/lib/', '//', '/usr/'])('refuses to empty %s', async (path) => {
    expect((await failureOf(host.remove([path], 'clean up'))).has('KB_REMOVE')).toBe(true);
    expect(events).toEqual([]);
  });
});
