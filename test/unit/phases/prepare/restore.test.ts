// The way back on a host of literal answers.
import { expect, test } from 'vitest';
import { copyPath, ledgerFolder, ledgerPath, parseLedger, type LedgerEntry } from '../../../../src/host/ledger.ts';
import { restorePhases, type RestoreContext } from '../../../../src/phases/prepare/restore.ts';
import { FakeHost, type FakeHostOptions } from '../../../fakes/host.ts';
import { runAll, runContext } from '../../../fakes/run.ts';

const made: LedgerEntry = { kind: 'file', path: '/etc/a', existed: false, after: 'a'.repeat(64) };
const ledger = (...entries: readonly LedgerEntry[]): string => JSON.stringify({ format: 1, entries });

async function run(
  options: FakeHostOptions,
  how: { readonly isForced?: boolean; readonly isReset?: true } = {},
): Promise<FakeHost> {
  const host = new FakeHost(options);
  const ctx: RestoreContext = {
    ...runContext(host, 'kbinit host restore'),
    spec: { isForced: how.isForced === true, isDryRun: false, skipPhases: [] },
    ...(how.isReset && { isReset: how.isReset }),
    ledgerFiles: { folder: ledgerFolder, path: ledgerPath, copyPath, parse: parseLedger },
  };
  await runAll(restorePhases, ctx);
  return host;
}

const changes = (host: FakeHost): readonly string[] => host.ran.flatMap(({ why }) => why ?? []);

test('without a ledger there is nothing to do', async () => {
  expect((await run({})).ran).toEqual([]);
});

test('it is put back, then forgotten', async () => {
  const host = await run({
    files: { [ledgerPath]: ledger(made) },
    replies: [
      ['sha256sum', `${'a'.repeat(64)}  /etc/a\n`],
      [/^/, ''],
    ],
  });
  expect(changes(host)).toEqual(['remove /etc/a', 'forget the ledger']);
});

test('what was changed since stops it before the first step', async () => {
  const options = {
    files: { [ledgerPath]: ledger(made) },
    replies: [['sha256sum', `${'b'.repeat(64)}  /etc/a\n`]] as const,
  };
  await expect(run(options)).rejects.toThrow('KB_RESTORE_CHANGED');
  const forced = await run({ ...options, replies: [...options.replies, [/^/, '']] }, { isForced: true });
  expect(changes(forced)).toEqual(['remove /etc/a', 'forget the ledger']);
});

test('a host of a cluster is refused, unless a reset came before', async () => {
  const options: FakeHostOptions = {
    files: { [ledgerPath]: ledger(), '/etc/kubernetes/kubelet.conf': '' },
    replies: [[/^/, '']],
  };
  await expect(run(options)).rejects.toThrow('KB_RESTORE_IN_USE');
  expect(changes(await run(options, { isReset: true }))).toEqual(['forget the ledger']);
});

test('a step that fails keeps the ledger, so that the next run goes on', async () => {
  const host = run({
    files: { [ledgerPath]: ledger(made) },
    replies: [
      ['sha256sum', `${'a'.repeat(64)}  /etc/a\n`],
      ['rm -f -- /etc/a', { code: 1, stderr: 'Read-only file system' }],
    ],
  });
  await expect(host).rejects.toMatchObject({ problems: [{ code: 'KB_RESTORE', detail: 'Read-only file system' }] });
});
