import { Command } from 'commander';
import { expect, test } from 'vitest';
import { changedFlags, withFlags } from '../../../../src/cli/flags.ts';
import { addPhaseCommands } from '../../../../src/cli/run/workflow.ts';
import type { Phase } from '../../../../src/workflow/phase.ts';

const run = (): Promise<void> => Promise.resolve();

const phases: readonly Phase<undefined>[] = [
  { name: 'preflight', summary: 'Look', flags: ['config', 'node-name', 'dry-run', 'output'], run },
  {
    name: 'certs',
    summary: 'Certificates',
    flags: ['cert-dir'],
    run,
    phases: [{ name: 'ca', summary: 'The CA', flags: ['cert-dir', 'dry-run'] }],
  },
];

/** As main.ts does: nothing ends the process or writes. */
function inherit(command: Command): void {
  for (const child of command.commands) inherit(child.copyInheritedSettings(command));
}

/** What a phase's command hears of a command line. */
async function heard(...words: readonly string[]): Promise<unknown> {
  let result: unknown;
  const silent = { writeOut: () => undefined, writeErr: () => undefined };
  const root = new Command('kbinit').exitOverride().configureOutput(silent);
  const init = withFlags(new Command('init').argument('[endpoint]'), ['config', 'cert-dir', 'upload-certs', 'dry-run']);
  init.exitOverride().configureOutput(silent);
  init.action(() => {
    result = { path: 'init', options: init.opts(), changed: changedFlags(init) };
  });
  addPhaseCommands(init, phases, (path, command) => {
    result = { path, options: command.opts(), changed: changedFlags(command), words: command.args };
    return Promise.resolve();
  });
  root.addCommand(init);
  inherit(root);
  await root.parseAsync([...words], { from: 'user' });
  return result;
}

test.each([
  ['behind the phase', ['init', 'phase', 'certs', 'all', '--host', 'root@a', '--cert-dir', '/pki']],
  ['before the word phase', ['init', '--host', 'root@a', '--cert-dir', '/pki', 'phase', 'certs', 'all']],
  ['on both sides', ['init', '--host=root@a', 'phase', 'certs', 'all', '--cert-dir=/pki']],
])('a phase hears flags that its command has too, %s', async (_where, words) => {
  expect(await heard(...words)).toMatchObject({
    path: 'certs',
    options: { host: 'root@a', certDir: '/pki' },
    changed: expect.arrayContaining(['host', 'cert-dir']),
  });
});

test('a part of a phase hears the host it is to work on', async () => {
  expect(await heard('init', 'phase', 'certs', 'ca', '--host', 'root@a', '--dry-run')).toMatchObject({
    path: 'certs/ca',
    options: { host: 'root@a', dryRun: true },
  });
});

test.each([
  ['behind it', ['init', 'phase', 'preflight', '--dry-run', '-o', 'json']],
  ['before it', ['init', '-o', 'json', '--dry-run', 'phase', 'preflight']],
])('the form of a phase that answers is no form of a plan, also %s', async (_, words) => {
  expect(await heard(...words)).toMatchObject({ path: 'preflight', options: { output: 'json', dryRun: true } });
});

test('a host before the word phase and another behind it are refused', async () => {
  const words = ['init', '--host', 'root@a', 'phase', 'preflight', '--host', 'root@b'];
  await expect(heard(...words)).rejects.toThrow('KB_USAGE this command accepts a single --host');
});

test('repeatable flags of both sides are heard in their order', async () => {
  expect(await heard('init', '-i', 'a', 'phase', 'preflight', '-i', 'b', '-i', 'c')).toMatchObject({
    options: { identityFile: ['a', 'b', 'c'] },
  });
});

test.each([
  ['behind it', ['init', 'phase', 'certs', 'all', '--upload-certs']],
  ['before it', ['init', '--upload-certs', 'phase', 'certs', 'all']],
])('a flag that the phase does not have is refused %s', async (_where, words) => {
  await expect(heard(...words)).rejects.toThrow("unknown option '--upload-certs'");
});

test('arguments of a phase are its own', async () => {
  expect(await heard('init', 'phase', 'preflight', 'host:6443', '--host', 'root@a')).toMatchObject({
    options: { host: 'root@a' },
    words: ['host:6443'],
  });
});

test('the command without a phase is as before', async () => {
  expect(await heard('init', '--upload-certs', '--host', 'root@a')).toMatchObject({
    path: 'init',
    options: { uploadCerts: true, host: 'root@a' },
  });
});
