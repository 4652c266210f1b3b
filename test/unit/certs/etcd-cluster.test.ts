import { describe, expect, test } from 'vitest';
import { clusterToken, ensureEtcdClients, ensureEtcdPki, type EtcdPkiResult } from '../../../src/certs/etcd-cluster.ts';
import { clientPlace, memberPlace, placeFiles, type EtcdPkiPlace } from '../../../src/certs/etcd-places.ts';
import { readCertificates } from '../../../src/certs/x509.ts';
import { KbError } from '../../../src/errors.ts';
import { systemRandomSource } from '../../../src/util/keygen.ts';

const now = new Date('2026-11-21T02:12:19Z');
const later = (days: number): Date => new Date(now.getTime() + days * 24 * 3600 * 1000);
const folder = '/etc/etcd/pki';
const hosts = ['etcd1', 'etcd2', 'etcd3'];
type Disk = Map<string, string>;

const disks = (): readonly Disk[] => hosts.map((): Disk => new Map());
const places = (on: readonly Disk[], names = hosts): readonly EtcdPkiPlace[] =>
  names.map((name, index) =>
    memberPlace({ name, address: `10.0.0.${hosts.indexOf(name) + 1}` }, [], {
      folder,
      existing: on[index] ?? new Map(),
    }),
  );

/** Make what is missing and put it on the disks. */
async function ensure(on: readonly Disk[], at = now, names = hosts): Promise<EtcdPkiResult> {
  const result = await ensureEtcdPki({ places: places(on, names), chance: systemRandomSource(), now: at });
  for (const [index, files] of result.files.entries()) {
    for (const { path, body } of files) on[index]?.set(path, body);
  }
  return result;
}

const paths = (result: EtcdPkiResult): readonly (readonly string[])[] =>
  result.files.map((files) => files.map(({ path }) => path.slice(folder.length + 1)));

async function codes(work: Promise<unknown>): Promise<readonly string[]> {
  try {
    await work;
  } catch (error) {
    if (error instanceof KbError) return error.problems.map(({ code, host }) => `${code} ${host}`);
    throw error;
  }
  return [];
}

describe('the certificates of the members', () => {
  test('are made with one CA, whose key is on the first host only', async () => {
    const on = disks();
    const made = await ensure(on);
    const leaves = ['server.key', 'server.crt', 'peer.key', 'peer.crt'];
    expect(paths(made)).toEqual([
      ['ca.key', 'ca.crt', ...leaves],
      ['ca.crt', ...leaves],
      ['ca.crt', ...leaves],
    ]);
    for (const { mode, path, secret } of made.files.flat()) {
      expect([mode, secret ?? false]).toEqual(path.endsWith('.key') ? [0o600, true] : [0o644, false]);
    }
  });

  test('serve and call, and are valid for the names and addresses of their own host', async () => {
    const on = disks();
    const { authority } = await ensure(on);
    for (const name of ['server', 'peer']) {
      const [own] = readCertificates(on[1]?.get(`${folder}/${name}.crt`) ?? '');
      expect(own?.usages).toEqual(['serverAuth', 'clientAuth']);
      expect(own?.altNames).toEqual({
        dnsNames: ['etcd2', 'localhost'],
        ipAddresses: ['10.0.0.2', '127.0.0.1', '::1'],
      });
      expect(own?.x509.verify(authority.certificate.publicKey)).toBe(true);
    }
  });

  test('are kept by a second run, in whichever order the hosts are named', async () => {
    const on = disks();
    const first = await ensure(on);
    const again = await ensure(on);
    expect(again.files.flat()).toEqual([]);
    const turned = await ensure(on.toReversed(), now, hosts.toReversed());
    expect(turned.files.flat()).toEqual([]);
    expect(clusterToken(turned.authority)).toBe(clusterToken(first.authority));
  });

  test('that were half written are made again', async () => {
    const on = disks();
    await ensure(on);
    on[1]?.delete(`${folder}/server.crt`);
    on[2]?.set(`${folder}/peer.key`, '');
    const again = await ensure(on);
    expect(paths(again)).toEqual([[], ['server.key', 'server.crt'], ['peer.key', 'peer.crt']]);
  });

  test('a CA whose key alone was written is made again, nothing was signed by it', async () => {
    const on = disks();
    on[0]?.set(`${folder}/ca.key`, 'half');
    expect(paths(await ensure(on))[0]).toContain('ca.key');
  });

  test('are made anew when they end within sixty days, with a word about it', async () => {
    const on = disks();
    await ensure(on);
    expect((await ensure(on, later(300))).files.flat()).toEqual([]);
    const again = await ensure(on, later(310));
    expect(again.warnings[0]).toMatch(/etcd1: .*server.crt expires in 55 days: replaced/);
    expect(paths(again)[2]).toEqual(['server.key', 'server.crt', 'peer.key', 'peer.crt']);
  });

  test('without the key of the CA stay as they are, and no new host can be given any', async () => {
    const on = disks();
    await ensure(on);
    on[0]?.delete(`${folder}/ca.key`);
    expect((await ensure(on)).files.flat()).toEqual([]);
    on[2]?.clear();
    expect(await codes(ensure(on))).toEqual(['KB_CA_KEY_MISSING etcd3']);
  });

  test('of two clusters are refused', async () => {
    const [on, others] = [disks(), disks()];
    await ensure(on);
    await ensure(others);
    const mixed = [on[0] ?? new Map(), others[1] ?? new Map(), on[2] ?? new Map()];
    expect(await codes(ensure(mixed))).toContain('KB_ETCD_OTHER_CLUSTER etcd2');
  });

  test('whose CA is gone are refused: a new one would cut them off', async () => {
    const on = disks();
    await ensure(on);
    for (const disk of on) {
      disk.delete(`${folder}/ca.crt`);
      disk.delete(`${folder}/ca.key`);
    }
    expect(await codes(ensure(on))).toEqual(hosts.map((name) => `KB_PKI_INCOMPLETE ${name}`));
  });

  test('under a CA that cannot be read are refused', async () => {
    const on = disks();
    await ensure(on);
    on[1]?.set(`${folder}/ca.crt`, '-----BEGIN CERTIFICATE-----\nabc');
    expect(await codes(ensure(on))).toEqual(['KB_CERT_INVALID etcd2']);
  });
});

describe('the certificate of an API server', () => {
  const client = (existing: Disk): EtcdPkiPlace =>
    clientPlace('master1', { folder: '/etc/kubernetes/pki', caBase: 'etcd/ca', existing });

  async function hand(existing: Disk, on = disks()): Promise<readonly string[]> {
    const { authority } = await ensure(on);
    const { files } = await ensureEtcdClients(
      { places: [client(existing)], chance: systemRandomSource(), now },
      authority,
    );
    for (const { path, body } of files.flat()) existing.set(path, body);
    return files.flat().map(({ path }) => path);
  }

  test('is a client and nothing else, beside the CA', async () => {
    const existing: Disk = new Map();
    expect(await hand(existing)).toEqual([
      '/etc/kubernetes/pki/etcd/ca.crt',
      '/etc/kubernetes/pki/apiserver-etcd-client.key',
      '/etc/kubernetes/pki/apiserver-etcd-client.crt',
    ]);
    const [own] = readCertificates(existing.get('/etc/kubernetes/pki/apiserver-etcd-client.crt') ?? '');
    expect(own?.usages).toEqual(['clientAuth']);
    expect(own?.subject.commonName).toBe('kube-apiserver-etcd-client');
  });

  test('is kept by a second run', async () => {
    const [existing, on]: [Disk, readonly Disk[]] = [new Map(), disks()];
    await hand(existing, on);
    expect(await hand(existing, on)).toEqual([]);
  });

  test('never takes the place of the CA of a stacked etcd, not even of its key', async () => {
    const existing: Disk = new Map();
    await hand(existing);
    expect(await codes(hand(existing))).toEqual(['KB_ETCD_OTHER_CLUSTER master1']);
    const withKey: Disk = new Map([['/etc/kubernetes/pki/etcd/ca.key', 'a key']]);
    expect(await codes(hand(withKey))).toEqual(['KB_ETCD_OTHER_CLUSTER master1']);
  });
});

test('every file of a place is read before anything is made', () => {
  const place = clientPlace('x', { folder: '/f', caBase: 'ca', existing: new Map() });
  expect(placeFiles(place)).toEqual([
    '/f/ca.crt',
    '/f/ca.key',
    '/f/apiserver-etcd-client.crt',
    '/f/apiserver-etcd-client.key',
  ]);
});
