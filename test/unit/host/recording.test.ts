import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Host } from '../../../src/host/host.ts';
import { localTransport } from '../../../src/host/local.ts';
import { recordingHost } from '../../../src/host/recording.ts';
import { openHost } from '../../../src/host/remote.ts';
import { script, sh } from '../../../src/host/shell.ts';
import type { RunEvent } from '../../../src/report/events.ts';

let folder = '';
let plan: RunEvent[] = [];
let host: Host;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kbinit-plan-'));
  plan = [];
  const real = openHost(localTransport('here'), { name: 'here', reporter: { emit: () => {} } });
  host = recordingHost(real, { emit: (event) => plan.push(event) });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function at(name: string): string {
  return join(folder, name);
}

test('a write is planned, not done, and later reads see it', async () => {
  const changes = await host.write([{ path: at('a'), mode: 0o644, body: 'x' }], [{ path: at('d'), mode: 0o700 }]);
  expect(changes).toEqual([{ path: at('a'), outcome: 'created' }]);
  expect(plan).toMatchObject([
    { kind: 'plan', host: 'here', action: 'create', text: `make the folder ${at('d')} (0700)` },
    { kind: 'plan', host: 'here', action: 'create', text: `create ${at('a')} (0644)`, content: 'x' },
  ]);
  expect(await host.read(at('a'))).toBe('x');
  expect(readdirSync(folder)).toEqual([]);
});

test('a file that is there already is compared by content and mode', async () => {
  for (const name of ['same', 'other', 'mode']) writeFileSync(at(name), 'x', { mode: 0o600 });
  const outcomes = await host.write([
    { path: at('same'), mode: 0o600, body: 'x' },
    { path: at('other'), mode: 0o600, body: 'y' },
    { path: at('mode'), mode: 0o644, body: 'x' },
  ]);
  expect(outcomes.map(({ outcome }) => outcome)).toEqual(['unchanged', 'updated', 'updated']);
  expect(plan).toHaveLength(2);
  expect(readFileSync(at('other'), 'utf8')).toBe('x');
});

test('a second write of the same changes nothing', async () => {
  const artifact = { path: at('a'), mode: 0o600, body: 'x' };
  await host.write([artifact]);
  expect((await host.write([artifact]))[0]?.outcome).toBe('unchanged');
});

test('the content of a secret is not in the plan', async () => {
  await host.write([{ path: at('key'), mode: 0o600, body: 's3cret', secret: true }]);
  expect(JSON.stringify(plan)).not.toContain('s3cret');
  expect(await host.read(at('key'))).toBe('s3cret');
});

test('a command is planned by its purpose and does not run', async () => {
  expect(await host.run(sh`touch ${at('pwn')}`, 'start the kubelet')).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(existsSync(at('pwn'))).toBe(false);
  expect(plan).toMatchObject([
    { kind: 'plan', host: 'here', action: 'run', text: `start the kubelet: touch ${at('pwn')}` },
  ]);
});

test('a script is planned as its purpose, with its lines below', async () => {
  await host.run(
    script`
for p in a b; do
  umount "$p"
done
`,
    'unmount',
  );
  expect(plan).toMatchObject([
    { kind: 'plan', host: 'here', action: 'run', text: 'unmount', content: 'for p in a b; do\n  umount "$p"\ndone\n' },
  ]);
});

test('of a script that keeps books only what matters is planned', async () => {
  await host.run(script`before=$(list)\ninstall kubelet\nlist >after`, 'install the kubelet', {
    shown: 'install kubelet',
  });
  expect(plan).toMatchObject([
    { kind: 'plan', host: 'here', action: 'run', text: 'install the kubelet: install kubelet' },
  ]);
});

test('what is removed is gone for later reads, and can come back', async () => {
  for (const name of ['a', 'b']) writeFileSync(at(name), 'x', { mode: 0o600 });
  await host.remove([at('a'), `${folder}/`], 'clean up');
  expect((await host.readAll([at('a'), at('b')])).size).toBe(0);
  expect(readdirSync(folder)).toEqual(['a', 'b']);
  expect((await host.write([{ path: at('a'), mode: 0o600, body: 'x' }]))[0]?.outcome).toBe('created');
  expect(await host.read(at('a'))).toBe('x');
});

test('looking at the host reaches the real one', async () => {
  expect((await host.probe(sh`echo hi`)).stdout).toBe('hi\n');
});

test('only what is there is planned to be removed', async () => {
  writeFileSync(at('a'), 'x');
  mkdirSync(at('empty'));
  mkdirSync(at('full'));
  writeFileSync(at('full/b'), 'x');
  symlinkSync(at('nowhere'), at('link'));
  await host.write([{ path: at('planned/c'), mode: 0o600, body: 'x' }]);
  plan = [];
  const paths = ['a', 'no', 'link', 'empty', 'full', 'no', 'planned'].map((name, n) => at(name) + (n > 2 ? '/' : ''));
  await host.remove(paths, 'clean up');
  await host.remove(paths, 'again');
  expect(plan.map((event) => (event.kind === 'plan' ? event.text.replaceAll(folder, '') : ''))).toEqual([
    'clean up: remove /a',
    'clean up: remove /link',
    'clean up: empty /full/',
    'clean up: empty /planned/',
  ]);
});
