import { mkdir, mkdtemp, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { localFolder } from '../../../../src/cli/run/local-folder.ts';

const scratch = (): Promise<string> => mkdtemp(join(tmpdir(), 'kbinit-folder-'));
const real = { isDryRun: false, plan: (): void => undefined };

test('writes files for their owner alone, into a folder that it makes', async () => {
  const folder = join(await scratch(), 'a', 'b');
  const place = localFolder(folder, real);
  expect(await place.write([{ path: `${folder}/ca.crt`, mode: 0o644, body: 'x\n' }])).toBe(true);
  expect((await stat(`${folder}/ca.crt`)).mode & 0o777).toBe(0o600);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  expect(await readdir(folder)).toEqual(['ca.crt']);
});

test('replaces a link instead of writing through it', async () => {
  const folder = await scratch();
  await writeFile(join(folder, 'mine'), 'precious');
  await symlink(join(folder, 'mine'), join(folder, 'key'));
  await localFolder(folder, real).write([{ path: `${folder}/key`, mode: 0o600, body: 'new' }]);
  expect(await readFile(join(folder, 'mine'), 'utf8')).toBe('precious');
  expect(await readFile(join(folder, 'key'), 'utf8')).toBe('new');
});

test('reads what is there and leaves out what is not', async () => {
  const folder = await scratch();
  await writeFile(join(folder, 'ca.crt'), 'a CA');
  const found = await localFolder(folder, real).read([`${folder}/ca.crt`, `${folder}/no.crt`]);
  expect([...found]).toEqual([[`${folder}/ca.crt`, 'a CA']]);
});

test('says which file is in the way', async () => {
  const folder = await scratch();
  await mkdir(join(folder, 'ca.crt'));
  await expect(localFolder(folder, real).read([`${folder}/ca.crt`])).rejects.toThrow(/KB_FILE.*ca\.crt/);
  const below = localFolder(join(folder, 'ca.crt'), real);
  await writeFile(join(folder, 'file'), '');
  await expect(below.write([{ path: join(folder, 'file', 'x'), mode: 0o600, body: '' }])).rejects.toThrow(/KB_FILE/);
});

test('tells a dry run what it would write, and writes nothing', async () => {
  const folder = await scratch();
  const said: string[] = [];
  const place = localFolder(folder, { isDryRun: true, plan: ({ path }) => void said.push(path) });
  await place.write([{ path: `${folder}/ca.crt`, mode: 0o644, body: 'x' }]);
  expect(said).toEqual([`${folder}/ca.crt`]);
  expect(await readdir(folder)).toEqual([]);
});
