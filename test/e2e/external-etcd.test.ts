// An etcd of its own on three hosts, a control plane on top of it, and what a reset of that control plane leaves alone.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { binaries, type Lab } from '../lab/lab.ts';
import { output } from './observe.ts';
import { clusterConfig, eventually, kbinit, over, scratch, testLab, type KbinitResult } from './support.ts';
import { indexPackages } from './support/debs.ts';

let lab: Lab;
let certs: string;
const members = ['etcd1', 'etcd2', 'etcd3'] as const;

const hosts = (...names: readonly string[]): readonly string[] => [
  ...names.flatMap((name) => ['--host', `root@${lab.host(name).address}`]),
  '--identity-file',
  lab.identityFile,
  '--known-hosts',
  lab.knownHostsFile,
];
const client = (name: string): readonly string[] => ['--client', `root@${lab.host(name).address}`];
const programs = ['--etcd-binary', binaries.etcd, '--etcdctl-binary', binaries.etcdctl];

const ascending = (one: number, other: number): number => one - other;

type Options = Parameters<typeof kbinit>[1];
const etcdInit = (flags: readonly string[], options?: Options): Promise<KbinitResult> =>
  kbinit(['etcd', 'init', ...programs, ...flags], options);

/** Everything that etcd init makes on a host, and the process that runs. */
const traces = (host: string): Promise<string> =>
  output(
    lab,
    host,
    `find /etc/etcd /etc/systemd/system/etcd.service /usr/local/bin -type f -printf '%p %m %u:%g %i %T@ ' -exec sha256sum {} \\; 2>/dev/null | sort
     ps -o pid=,lstart= -C etcd || true`,
  );
const allTraces = async (): Promise<string> => (await Promise.all(members.map(traces))).join('\n');

const dataHash = (host: string): Promise<string> =>
  output(lab, host, 'cd /var/lib/etcd && find . -type f -printf "%p %s %m %u\\n" -exec sha256sum {} \\; | sort');

/** As root on a member's host; a server's pair is a client's too. */
const etcdctl = (host: string, words: string): Promise<string> =>
  output(
    lab,
    host,
    `etcdctl --endpoints https://127.0.0.1:2379 --cacert /etc/etcd/pki/ca.crt \
       --cert /etc/etcd/pki/server.crt --key /etc/etcd/pki/server.key ${words} 2>&1`,
  );

/** The configuration of a cluster on what etcd init printed. */
async function configOn(done: KbinitResult): Promise<string> {
  const snippet = done.stdout.slice(done.stdout.indexOf('etcd:'));
  expect(snippet).toContain('external:');
  return clusterConfig({ cluster: snippet });
}

beforeAll(async () => {
  lab = await testLab('xetcd', 63);
  const all = [...members, 'master1', 'solo'];
  await lab.up(all);
  await lab.recreate(all);
  certs = join(await scratch(), 'certs');
});

afterAll(async () => {
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

describe('etcd init', () => {
  test('refuses an even number of hosts before one is asked, and says why', async () => {
    const refused = await kbinit(['etcd', 'init', '--host', 'root@192.0.2.1', '--host', 'root@192.0.2.2']);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('2 members survive the loss of 0, as 1 do');
  });

  test('refuses a program that is none before a host is asked', async () => {
    const refused = await kbinit(['etcd', 'init', '--host', 'root@192.0.2.1', '--etcd-binary', '/etc/hostname']);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('KB_ETCD_BINARY');
  });

  test('refuses hosts that are one machine', async () => {
    const refused = await etcdInit(hosts('etcd1', 'etcd2', 'etcd2'));
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('is given twice');
  });

  test('leaves hosts as they are in a dry run', async () => {
    const before = await allTraces();
    const planned = await etcdInit([...hosts(...members), ...client('master1'), '--dry-run']);
    expect(planned.code, planned.stderr).toBe(0);
    expect(planned.stdout).toContain('upload /usr/local/bin/etcd');
    expect(planned.stdout).toContain('ETCD_INITIAL_CLUSTER=etcd1=https://');
    expect(planned.stdout + planned.stderr).not.toContain('PRIVATE KEY');
    expect(await allTraces()).toBe(before);
  });

  test('that was cut half way goes on when it is run again', async () => {
    for (const phase of ['programs', 'certs', 'config']) {
      const cut = await etcdInit(hosts(...members), {
        onStart: (child) => {
          child.stderr?.on('data', (chunk: Buffer) => {
            if (new RegExp(`${phase} +(?:\\d|done)`).test(chunk.toString('utf8'))) child.kill('SIGKILL');
          });
        },
      });
      expect(cut.code, cut.stderr).toBe(137);
    }
    const done = await etcdInit([...hosts(...members), ...client('master1'), '--client-certs-dir', certs]);
    expect(done.code, done.stderr).toBe(0);
  });

  test('makes a cluster of three that serve', async () => {
    const health = await etcdctl('etcd2', 'endpoint health --cluster');
    expect(health.match(/is healthy/g)).toHaveLength(3);
    expect((await etcdctl('etcd3', 'member list')).match(/, started, etcd\d, /g)).toHaveLength(3);
  });

  test('keeps the key of the CA on one host, and everything private private', async () => {
    const keys = await Promise.all(
      members.map((host) =>
        output(lab, host, "cd /etc/etcd/pki && stat -c '%n %a %U:%G' *.key; stat -c '%a %U' /var/lib/etcd"),
      ),
    );
    const own = 'peer.key 640 root:etcd\nserver.key 640 root:etcd\n700 etcd\n';
    expect(keys).toEqual([`ca.key 600 root:root\n${own}`, own, own]);
    expect(await output(lab, 'etcd1', 'ps -o user= -C etcd')).toBe('etcd\n');
    const names = (await readdir(certs)).toSorted();
    expect(names).toEqual(['apiserver-etcd-client.crt', 'apiserver-etcd-client.key', 'ca.crt']);
    for (const name of names) expect((await stat(join(certs, name))).mode & 0o777).toBe(0o600);
    const mode = 'stat -c %a /etc/kubernetes/pki/apiserver-etcd-client.key; ls /etc/kubernetes/pki/etcd';
    expect(await output(lab, 'master1', mode)).toBe('600\nca.crt\n');
  });

  test('changes nothing the second time, and says so', async () => {
    const [before, own] = [await allTraces(), await readFile(join(certs, 'apiserver-etcd-client.key'), 'utf8')];
    const again = await etcdInit([...hosts(...members), ...client('master1'), '--client-certs-dir', certs]);
    expect(again.code, again.stderr).toBe(0);
    expect(again.stderr).toContain('no changes');
    expect(await allTraces()).toBe(before);
    expect(await readFile(join(certs, 'apiserver-etcd-client.key'), 'utf8')).toBe(own);
  });

  test('finds its CA also when the hosts are named in another order and without the program', async () => {
    const before = await allTraces();
    const again = await kbinit(['etcd', 'init', ...hosts('etcd3', 'etcd1', 'etcd2')]);
    expect(again.code, again.stderr).toBe(0);
    expect(again.stderr).toContain('no changes');
    expect(await allTraces()).toBe(before);
  });

  test('with other hosts refuses to touch what the cluster has', async () => {
    const before = await allTraces();
    const [fewer, others] = [await etcdInit(hosts('etcd1')), await etcdInit(hosts('etcd1', 'etcd2', 'solo'))];
    for (const refused of [fewer, others]) {
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain('KB_ETCD_OTHER_CLUSTER');
    }
    expect(await allTraces()).toBe(before);
    expect(await output(lab, 'solo', 'ls /etc/etcd 2>/dev/null || echo none')).toBe('none\n');
  });

  test("never overwrites somebody's data", async () => {
    await output(lab, 'solo', 'mkdir -p /var/lib/etcd/member/snap && echo precious >/var/lib/etcd/member/snap/db');
    const refused = await etcdInit(hosts('solo'));
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('KB_ETCD_FOREIGN');
    expect(await output(lab, 'solo', 'cat /var/lib/etcd/member/snap/db; rm -r /var/lib/etcd')).toBe('precious\n');
  });

  test('refuses clients where another etcd has its CA', async () => {
    const foreign = join(await scratch(), 'foreign');
    await mkdir(foreign);
    await writeFile(
      join(foreign, 'ca.crt'),
      await output(
        lab,
        'master1',
        'openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -subj /CN=other -days 9 2>/dev/null',
      ),
    );
    const refused = await etcdInit([...hosts(...members), '--client-certs-dir', foreign]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('KB_ETCD_OTHER_CLUSTER');
    expect(await readdir(foreign)).toEqual(['ca.crt']);
  });

  test('starts members with new settings one after the other: two of three always serve', async () => {
    const changed = await etcdInit([...hosts(...members), '--etcd-extra-args', 'quota-backend-bytes=4294967296']);
    expect(changed.code, changed.stderr).toBe(0);
    // The unit is active as long as etcd serves, which takes a majority; lab hosts share the kernel's clock.
    const pauses = await Promise.all(
      members.map(async (name) => {
        const show = 'systemctl show etcd --value -p ActiveExitTimestampMonotonic -p ActiveEnterTimestampMonotonic';
        const [from = 0, to = 0] = (await output(lab, name, show)).trim().split('\n').map(Number).toSorted(ascending);
        return { from, to };
      }),
    );
    const [first, second, third] = pauses.toSorted((one, other) => ascending(one.from, other.from));
    expect(first?.from).toBeGreaterThan(0);
    expect(second?.from).toBeGreaterThan(first?.to ?? Infinity);
    expect(third?.from).toBeGreaterThan(second?.to ?? Infinity);
    expect(await output(lab, 'etcd2', 'tr "\\0" "\\n" </proc/$(pgrep -x etcd)/environ | grep QUOTA')).toBe(
      'ETCD_QUOTA_BACKEND_BYTES=4294967296\n',
    );
  });

  test('tells within seconds why a member does not come up', async () => {
    const broken = await etcdInit([...hosts('solo'), '--etcd-extra-args', 'heartbeat-interval=soon']);
    expect(broken.code).toBe(1);
    expect(broken.stderr).toContain('KB_ETCD_START');
    expect(broken.stderr).toMatch(/etcd says: .*HEARTBEAT_INTERVAL|etcd says: .*heartbeat-interval/);
    expect(broken.seconds).toBeLessThan(40);
  });
});

describe('a control plane on it', () => {
  let config: string;
  let init: KbinitResult;
  const run = (): Promise<KbinitResult> =>
    kbinit(['init', ...over(lab, 'master1'), '--config', config, '--cni', 'flannel']);

  beforeAll(async () => {
    const given = ['--etcd-extra-args', 'quota-backend-bytes=4294967296'];
    const told = await etcdInit([...hosts(...members), ...given, ...client('master1')]);
    expect(told.code, told.stderr).toBe(0);
    config = await configOn(told);
  });

  test('init refuses an etcd that does not answer, by name of its check', async () => {
    const text = (await readFile(config, 'utf8')).replace(
      `${lab.host('etcd2').address}:2379`,
      `${lab.host('etcd2').address}:2399`,
    );
    const path = join(await scratch(), 'config.yaml');
    await writeFile(path, text);
    const refused = await kbinit(['init', ...over(lab, 'master1'), '--config', path]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('ExternalEtcdVersion');
    expect(refused.stderr).toContain(':2399');
  });

  test('init ends well, makes no etcd of its own, and the node becomes Ready', async () => {
    init = await run();
    expect(init.code, init.stderr).toBe(0);
    expect(init.stderr).toMatch(/etcd +skipped: etcd is external/);
    expect(await output(lab, 'master1', 'cd /etc/kubernetes && ls manifests/etcd* pki/etcd 2>/dev/null || true')).toBe(
      'pki/etcd:\nca.crt\n',
    );
    await eventually('a Ready node', 60, async () => / Ready /.test((await lab.kubectl(['get', 'nodes'])).stdout));
    expect(await etcdctl('etcd3', 'get --keys-only --prefix /registry/minions/')).toContain(
      '/registry/minions/master1',
    );
  });

  test('a second init changes nothing', async () => {
    const again = await run();
    expect(again.code, again.stderr).toBe(0);
    expect(again.stderr).toContain('no changes');
  });

  test('etcd status shows its three members', async () => {
    const status = await kbinit(['etcd', 'status', ...over(lab, 'master1')]);
    expect(status.code, status.stderr).toBe(0);
    for (const name of members) expect(status.stdout).toContain(lab.host(name).address);
  });

  test('the API stays writable when a member is lost', async () => {
    await lab.stop('etcd2', 'power cut');
    await eventually('a write', 20, async () => {
      const { code } = await lab.kubectl(['create', 'configmap', 'written', '-n', 'default']);
      return code === 0;
    });
    await lab.start('etcd2');
    await eventually('three healthy members', 30, async () => {
      const health = await etcdctl('etcd1', 'endpoint health --cluster');
      return health.match(/is healthy/g)?.length === 3;
    });
  });

  test('reset leaves the data of every member as it is', async () => {
    // With etcd at rest, so that a changed byte is the reset's; the API is down by that, too.
    for (const host of members) await output(lab, host, 'systemctl stop etcd');
    const before = await Promise.all(members.map(dataHash));
    const done = await kbinit(['reset', ...over(lab, 'master1'), '--force']);
    expect(done.code, done.stderr).toBe(0);
    expect(await Promise.all(members.map(dataHash))).toEqual(before);
    for (const host of members) await output(lab, host, 'systemctl start --no-block etcd');
    await eventually('the keys of the cluster', 30, async () =>
      (await etcdctl('etcd1', 'get --keys-only --prefix /registry/minions/')).includes('master1'),
    );
  });
});

describe('etcd and the control plane on one host', () => {
  test('etcd comes from the packages of the host, and theirs is not started beside it', async () => {
    await output(
      lab,
      'solo',
      'systemctl disable -q --now etcd; rm -rf /etc/etcd /var/lib/etcd /usr/local/bin/etcd* /etc/systemd/system/etcd.service; userdel etcd; systemctl daemon-reload',
    );
    await lab.copyTo('solo', binaries.etcd, '/root/deb/usr/bin/etcd', 0o755);
    await output(lab, 'solo', debOfEtcd);
    await indexPackages(lab, 'solo');
    const done = await kbinit(['etcd', 'init', ...hosts('solo'), ...client('solo')]);
    expect(done.code, done.stderr).toBe(0);
    const running = 'ls -A /var/lib/etcd; systemctl is-active etcd; readlink /proc/$(pgrep -x etcd)/exe';
    expect(await output(lab, 'solo', running)).toBe('member\nactive\n/usr/bin/etcd\n');
    const init = await kbinit(['init', ...over(lab, 'solo'), '--config', await configOn(done)]);
    expect(init.code, init.stderr).toBe(0);
  });

  test('reset leaves its data as it is (kubeadm#3225)', async () => {
    await output(lab, 'solo', 'systemctl stop etcd');
    const before = await dataHash('solo');
    expect(before).toContain('member/snap/db');
    const done = await kbinit(['reset', ...over(lab, 'solo'), '--force']);
    expect(done.code, done.stderr).toBe(0);
    expect(await dataHash('solo')).toBe(before);
    // With etcd running it is the same: nothing of etcd's is among what a reset removes.
    await output(lab, 'solo', 'systemctl start etcd');
    const again = await kbinit(['reset', ...over(lab, 'solo'), '--force']);
    expect(again.code, again.stderr).toBe(0);
    expect(await output(lab, 'solo', 'systemctl is-active etcd; ls /etc/etcd/pki | wc -l')).toBe('active\n6\n');
  });
});

/** A package as Debian makes it: a unit of its own, which its installation starts. */
const debOfEtcd = `
cd /root && mkdir -p deb/DEBIAN deb/lib/systemd/system /srv/packages
printf '%s\\n' 'Package: etcd-server' 'Version: 3.6.16-1' 'Architecture: amd64' 'Maintainer: Lab <lab@example.com>' \
  'Description: etcd as Debian packages it' >deb/DEBIAN/control
printf '%s\\n' '#!/bin/sh' 'systemctl daemon-reload' 'systemctl start etcd.service || true' >deb/DEBIAN/postinst
printf '%s\\n' '[Service]' 'ExecStart=/usr/bin/etcd --data-dir /var/lib/etcd/default' >deb/lib/systemd/system/etcd.service
chmod 755 deb/DEBIAN/postinst
dpkg-deb -Znone --build deb /srv/packages/etcd-server.deb >/dev/null
`;
