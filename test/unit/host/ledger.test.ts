import { expect, test } from 'vitest';
import { openLedger, parseKeptFlags, parseLedger, withEntries, type LedgerEntry } from '../../../src/host/ledger.ts';
import { FakeHost } from '../../fakes/host.ts';

const fileEntry: LedgerEntry = { kind: 'file', path: '/etc/hosts', existed: true, after: 'one' };

test('what was there first stays; of a file, what was written is the newest', () => {
  const unit: LedgerEntry = { kind: 'unit', unit: 'kubelet.service', enabled: 'disabled', wasActive: false };
  const later = withEntries(
    [fileEntry, unit],
    [
      { ...unit, enabled: 'enabled', wasActive: true },
      { ...fileEntry, existed: false, after: 'two', isMixed: true },
    ],
  );
  expect(later).toEqual([{ ...fileEntry, after: 'two', isMixed: true }, unit]);
});

test('a ledger of another format is refused, and none is none', () => {
  expect(parseLedger('h', undefined)).toEqual([]);
  expect(parseLedger('h', '{"format":1,"entries":[]}')).toEqual([]);
  for (const text of ['', '{"format":2,"entries":[]}', '{"format":1,"entries":[{"kind":"planet"}]}']) {
    expect(() => parseLedger('h', text)).toThrow('KB_LEDGER');
  }
});

test.each([
  '{"kind":"file"}',
  '{"kind":"file","path":7,"existed":true,"after":"x"}',
  '{"kind":"swap","devices":"/dev/sda2"}',
  '{"kind":"unit","unit":"a","enabled":"b","wasActive":"yes"}',
  '{"kind":"firewall","zone":{},"rules":[null]}',
  '{"kind":"constructor"}',
])('a ledger with the entry %s is refused, and no bug', (entry) => {
  expect(() => parseLedger('h', `{"format":1,"entries":[${entry}]}`)).toThrow('KB_LEDGER');
});

test('an entry is copied once, under a number that stays its own', async () => {
  const host = new FakeHost({ replies: [['ledger.json', '']] });
  const ledger = openLedger(host);
  ledger.learn([{ kind: 'folder', path: '/x' }]);
  await ledger.note([fileEntry]);
  expect(host.ran[0]?.command).toContain('set -- /var/lib/kbinit/ledger /etc/hosts 1;');
  await ledger.note([fileEntry]);
  expect(host.ran).toHaveLength(1);
  await ledger.note([{ ...fileEntry, after: 'two' }]);
  expect(host.ran[1]?.command).toContain('set -- /var/lib/kbinit/ledger ;');
});

test('a ledger that cannot be kept stops the change', async () => {
  const host = new FakeHost({ replies: [['ledger.json', { code: 1, stderr: 'No space left on device' }]] });
  await expect(openLedger(host).note([fileEntry])).rejects.toThrow('KB_LEDGER');
});

test('flags go with the next note, or are saved alone, and are written only where they differ', async () => {
  const host = new FakeHost({ replies: [['ledger.json', '']] });
  const ledger = openLedger(host);
  ledger.remember({ role: ['lb'], backend: ['udp'] }, { backend: ['udp'], role: ['lb'] });
  await ledger.save();
  expect(host.ran).toEqual([]);
  ledger.remember({ role: ['worker'] }, { role: ['lb'] });
  await ledger.note([fileEntry]);
  await ledger.save();
  expect(host.ran).toHaveLength(1);
  const text = String(host.ran[0]?.stdin);
  expect(parseKeptFlags('h', text)).toEqual({ role: ['worker'] });
  expect(parseLedger('h', text)).toEqual([fileEntry]);
  ledger.remember({}, { role: ['worker'] });
  await ledger.save();
  expect(parseKeptFlags('h', String(host.ran[1]?.stdin))).toEqual({});
  expect(parseLedger('h', String(host.ran[1]?.stdin))).toEqual([fileEntry]);
});

test.each(['{"role":"lb"}', '{"role":[1]}', '[]', '"x"'])('kept flags %s are refused', (flags) => {
  expect(() => parseKeptFlags('h', `{"format":1,"entries":[],"flags":${flags}}`)).toThrow('KB_LEDGER');
});
