import { mkdtemp, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writePrivateFile } from '../../../../src/cli/run/private-file.ts';

const scratch = (): Promise<string> => mkdtemp(join(tmpdir(), 'kbinit-file-'));
const fresh = { body: 'new', replaces: false, fix: 'f' };

test('a new file is for its owner alone, in a folder for its owner alone', async () => {
  const folder = join(await scratch(), '.kube');
  const path = join(folder, 'config');
  expect(await writePrivateFile({ ...fresh, path })).toBe(true);
  expect(await readFile(path, 'utf8')).toBe('new');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  expect(await readdir(folder)).toEqual(['config']);
});

test('a file or link that is there stays as it is, unless it is to be replaced', async () => {
  const folder = await scratch();
  const [path, there] = [join(folder, 'config'), join(folder, 'there')];
  await writeFile(there, 'precious', { mode: 0o644 });
  await symlink(there, path);
  expect(await writePrivateFile({ ...fresh, path })).toBe(false);
  expect(await writePrivateFile({ ...fresh, path: there })).toBe(false);
  expect(await writePrivateFile({ ...fresh, path, replaces: true })).toBe(true);
  expect(await readFile(there, 'utf8')).toBe('precious');
  expect(await readFile(path, 'utf8')).toBe('new');
  expect(await readdir(folder)).toEqual(['config', 'there']);
});

test('what is in the way of its folder is named', async () => {
  const file = join(await scratch(), 'file');
  await writeFile(file, '');
  await expect(writePrivateFile({ ...fresh, path: join(file, 'config') })).rejects.toThrow(/KB_FILE .*file\/config/);
});
