import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readCertificates } from '../../../../src/certs/x509.ts';
import { KbError } from '../../../../src/errors.ts';
import { etcdPaths } from '../../../../src/manifests/etcd-unit.ts';
import { explain } from '../../../../src/phases/etcd-init/explain.ts';
import { TimedOut } from '../../../../src/util/until.ts';
import { anyHostName } from '../../../fakes/host-names.ts';
import { etcdHosts, type EtcdHosts, type HostState } from './etcd-hosts.ts';

const three = (state: HostState = {}): EtcdHosts => etcdHosts([state, state, state], { upload });
const upload = { bytes: Buffer.from('elf'), sha256: 'ab'.repeat(32) };

async function problems(work: Promise<unknown>): Promise<readonly string[]> {
  try {
    await work;
  } catch (error) {
    if (error instanceof KbError) return error.problems.map(({ code, host, detail }) => `${code} ${host} ${detail}`);
    throw error;
  }
  return [];
}

/** Hosts on which a first run was made, with data and the service running. */
async function made(change: (index: number) => HostState = () => ({})): Promise<EtcdHosts> {
  const before = three();
  await before.run();
  return etcdHosts(
    before.hosts.map(({ files }, index): HostState => ({
      files: Object.fromEntries(files),
      data: 'member',
      isActive: true,
      sha256: upload.sha256,
      ...change(index),
    })),
    { upload },
  );
}

describe('etcd init', () => {
  test('starts all members before it waits for one: a first one alone has no majority', async () => {
    const { run, changes } = three();
    await run();
    const all = changes();
    const starts = all.flatMap((text, at) => (text.endsWith(': start') ? [at] : []));
    expect(starts).toHaveLength(3);
    expect(Math.max(...starts)).toBeLessThan(all.findIndex((text) => text.endsWith(': asked')));
  });

  test('changes nothing the second time', async () => {
    const { run, changes, hosts } = await made();
    const files = hosts.map((host) => new Map(host.files));
    await run();
    expect(changes().filter((text) => !text.endsWith(': asked'))).toEqual([]);
    expect(hosts.map((host) => host.files)).toEqual(files);
  });

  test('starts members with new files one after the other, each when all of them serve', async () => {
    const { run, changes } = await made(() => ({ isStale: true }));
    await run();
    const restarts = changes().flatMap((text, at) => (text.endsWith(': restart') ? [{ text, at }] : []));
    expect(restarts.map(({ text }) => text)).toEqual(['etcd1: restart', 'etcd2: restart', 'etcd3: restart']);
    for (const [index, { at }] of restarts.entries()) {
      const until = restarts[index + 1]?.at ?? changes().length;
      expect(new Set(changes().slice(at + 1, until))).toEqual(
        new Set(['etcd1: asked', 'etcd2: asked', 'etcd3: asked']),
      );
    }
  });

  test('starts a member that somebody stopped', async () => {
    const { run, changes } = await made((index) => ({ isActive: index !== 1 }));
    await run();
    expect(changes().filter((text) => !text.endsWith(': asked'))).toEqual(['etcd2: start']);
  });

  test("names each member by its host's name, at the address it was reached at", async () => {
    const { run, hosts } = three();
    await run();
    expect(hosts[1]?.files.get(etcdPaths.config)).toContain('ETCD_NAME=etcd2\n');
    expect(hosts[1]?.files.get(etcdPaths.config)).toContain('ETCD_LISTEN_PEER_URLS=https://10.0.0.2:2380\n');
  });
});

test('whatever a host is called, etcd.env and certificates have one member of that name or nothing is written', async () => {
  const property = fc.asyncProperty(anyHostName, async (hostname) => {
    const { run, hosts } = etcdHosts([{}, {}, { hostname }], { upload });
    const before = hosts.map(({ files }) => new Map(files));
    if ((await problems(run())).length > 0) {
      expect(hosts.map(({ files }) => files)).toEqual(before);
      return;
    }
    const name = hostname.toLowerCase();
    const members = ['etcd1', 'etcd2', name].map((member, n) => `${member}=https://10.0.0.${n + 1}:2380`);
    for (const { files } of hosts) {
      const lines = (files.get(etcdPaths.config) ?? '')
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'));
      expect(lines.filter((line) => !/^ETCD_[A-Z_]+=[!-~]+$/.test(line))).toEqual([]);
      const cluster = lines.filter((line) => line.startsWith('ETCD_INITIAL_CLUSTER='));
      expect(cluster.flatMap((line) => line.slice('ETCD_INITIAL_CLUSTER='.length).split(',')).toSorted()).toEqual(
        members.toSorted(),
      );
    }
    expect(hosts[2]?.files.get(etcdPaths.config)?.match(/^ETCD_NAME=.*$/gm)).toEqual([`ETCD_NAME=${name}`]);
    for (const pair of ['server', 'peer']) {
      const [certificate] = readCertificates(hosts[2]?.files.get(`${etcdPaths.pki}/${pair}.crt`) ?? '');
      expect(certificate?.subject).toEqual({ commonName: name, organizations: [] });
      expect(certificate?.altNames.dnsNames.toSorted()).toEqual(['localhost', name].toSorted());
    }
  });
  await fc.assert(property, { numRuns: 60 });
});

describe('preflight refuses', () => {
  test.each([
    ['a stacked etcd', { files: { '/etc/kubernetes/manifests/etcd.yaml': 'x' } }, 'KB_ETCD_FOREIGN'],
    ['a unit of somebody', { files: { [etcdPaths.unit]: '[Service]' } }, 'KB_ETCD_FOREIGN'],
    ['a configuration of somebody', { files: { [etcdPaths.config]: 'ETCD_NAME=x' } }, 'KB_ETCD_FOREIGN'],
    ['a service etcd that runs', { isActive: true }, 'KB_ETCD_FOREIGN'],
    ["a member's data that nobody vouches for", { data: 'member' }, 'KB_ETCD_FOREIGN'],
    ['a folder with something else in it', { data: 'other' }, 'KB_ETCD_FOREIGN'],
    ['a machine that is named twice', { machineId: '1'.repeat(32) }, 'KB_ETCD_HOSTS'],
    ['a host name that another one has', { hostname: 'etcd1' }, 'KB_ETCD_HOSTS'],
    ['a host name that is a member of its own', { hostname: 'x,evil=https://10.72.1.66:2380' }, 'KB_HOST_NAME'],
    ['a host name that stands for every name in a certificate', { hostname: '*' }, 'KB_HOST_NAME'],
    ["a host name that is another member's address", { hostname: '10.0.0.1' }, 'KB_HOST_NAME'],
    ["a host name that is a control plane's", { hostname: 'master1' }, 'KB_HOST_NAME'],
  ] as const)('%s, and nothing is changed on any host', async (_what, state, code) => {
    const { run, changes, hosts } = etcdHosts([{}, {}, state], { upload, clients: ['master1'] });
    const [before] = hosts.slice(-1).map((host) => new Map(host.files));
    expect((await problems(run()))[0]).toContain(`${code} etcd3`);
    expect(changes()).toEqual([]);
    expect(hosts[2]?.files).toEqual(before);
  });

  test('other members than the cluster has, once there is data', async () => {
    const { hosts } = await made();
    const first = { files: Object.fromEntries(hosts[0]?.files ?? []), data: 'member', isActive: true } as const;
    const alone = etcdHosts([first], { upload });
    expect((await problems(alone.run()))[0]).toContain('KB_ETCD_OTHER_CLUSTER etcd1');
  });

  test('no correction of the members while there is no data yet', async () => {
    const { hosts } = await made();
    const alone = etcdHosts([{ files: Object.fromEntries(hosts[0]?.files ?? []) }], { upload });
    await alone.run();
    expect(alone.hosts[0]?.files.get(etcdPaths.config)).toContain('ETCD_INITIAL_CLUSTER=etcd1=https://10.0.0.1:2380\n');
  });

  test('a configuration that was edited by hand', async () => {
    const { hosts } = await made();
    const files = Object.fromEntries(hosts[0]?.files ?? []);
    const edited = { ...files, [etcdPaths.config]: `${files[etcdPaths.config]}ETCD_MAX_WALS=9\n` };
    const again = etcdHosts([{ files: edited, data: 'member', isActive: true }], { upload });
    expect((await problems(again.run()))[0]).toMatch(/KB_ETCD_FOREIGN.*edited by hand/);
  });
});

describe("etcd's program", () => {
  test('is uploaded where another one is, with its checksum, and left where it is', async () => {
    const { run, changes, hosts } = etcdHosts([{ sha256: 'cd'.repeat(32) }, { sha256: upload.sha256 }, {}], { upload });
    await run('preflight', 'programs');
    expect(changes().toSorted()).toEqual(['etcd1: upload', 'etcd3: upload']);
    const sent = hosts[0]?.ran.find(({ command }) => command.includes('the checksum is not'));
    expect(sent?.command).toContain(upload.sha256);
    expect(hosts[0]?.files.get('/usr/local/bin/etcd.kbinit')).toBe(upload.bytes.toString('latin1'));
  });

  test('that the host cannot run is refused, with what it says', async () => {
    const { run } = etcdHosts([{ uploadFails: 'cannot execute binary file: Exec format error\n' }], { upload });
    expect((await problems(run()))[0]).toMatch(/KB_ETCD_BINARY etcd1 .*Exec format error.*as it was/);
  });

  test('that Kubernetes would refuse is refused', async () => {
    const { run, changes } = etcdHosts([{ version: '3.4.23' }]);
    expect((await problems(run()))[0]).toMatch(/KB_ETCD_BINARY etcd1 .*v3.4.23; kubeadm and kbinit require v3.5.24/);
    expect(changes()).toEqual([]);
  });
});

describe('a member that does not serve is explained', () => {
  const line = (fields: object): string => `${JSON.stringify({ level: 'fatal', ...fields })}\n`;

  test.each([
    [line({ msg: 'discovery failed', error: 'member 1 has already been bootstrapped' }), 'lost its data'],
    [line({ msg: 'bind', error: 'listen tcp 10.0.0.2:2380: bind: address already in use' }), 'end what listens'],
    [line({ msg: 'failed to start', error: 'open /etc/etcd/pki/server.key: permission denied' }), 'who may read'],
  ])('%s: %s', async (journal, cure) => {
    const { ctx, run } = await made((index) => (index === 1 ? { journal } : {}));
    await run('preflight');
    const [, member] = ctx.members;
    if (member === undefined) throw new Error('no second member');
    const error = await explain(ctx, new TimedOut('etcd', 'x', 12), [{ member, why: 'connection refused' }]);
    expect(error.problems).toHaveLength(1);
    expect(error.problems[0]).toMatchObject({ code: 'KB_ETCD_START', host: 'etcd2' });
    expect(error.problems[0]?.detail).toContain('connection refused, after 12 s; etcd says: ');
    expect(error.problems[0]?.fix).toContain(cure);
  });
});
