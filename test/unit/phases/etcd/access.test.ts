import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  apiServerEtcd,
  etcdctl,
  hexId,
  hostEtcd,
  localMember,
  openHostEtcd,
} from '../../../../src/phases/etcd/access.ts';
import { FakeEtcd, three } from '../../../fakes/etcd.ts';
import { FakeHost } from '../../../fakes/host.ts';

function golden(name: string): string {
  return readFileSync(new URL(`../../../golden/v1.36.3/${name}`, import.meta.url), 'utf8');
}

const etcdManifest = golden('default/files/etcd.yaml');
const folder = '/etc/kubernetes/pki/etcd';
const files = {
  ca: `${folder}/ca.crt`,
  cert: `${folder}/healthcheck-client.crt`,
  key: `${folder}/healthcheck-client.key`,
};
const manifests = '/etc/kubernetes/manifests';

describe("the member of kubeadm's manifest", () => {
  test('is the first of its cluster', () => {
    expect(localMember(etcdManifest)).toEqual({
      name: 'master1',
      dataDir: '/var/lib/etcd',
      peerUrl: 'https://192.168.3.129:2380',
      endpoint: 'https://127.0.0.1:2379',
      otherEndpoints: [],
      files,
    });
  });

  test('that joined knows where the others listened then', () => {
    const joined = etcdManifest.replace(
      /--initial-cluster=.*/,
      '--initial-cluster=master2=https://192.168.3.30:2380,master1=https://192.168.3.129:2380,master3=https://[fd00::3]:2380',
    );
    expect(localMember(joined)?.otherEndpoints).toEqual(['https://192.168.3.30:2379', 'https://[fd00::3]:2379']);
  });

  test('is found at an IPv6 loopback too', () => {
    const six = etcdManifest.replace(
      /--listen-client-urls=.*/,
      '--listen-client-urls=https://[::1]:2379,https://[fd00::1]:2379',
    );
    expect(localMember(six)?.endpoint).toBe('https://[::1]:2379');
  });
});

describe('an etcd that is not ours', () => {
  test.each([
    ['there is no manifest', undefined],
    ['the manifest is no YAML', '\t- {'],
    ['the manifest is no Pod', 'kind: ConfigMap'],
    ['the Pod has another name', etcdManifest.replace('name: etcd\n', 'name: my-etcd\n')],
    ['the Pod has no label of ours', etcdManifest.replace('component: etcd', 'component: storage')],
    [
      'its data folder is not the one that kubeadm mounts',
      etcdManifest.replace('--data-dir=/var/lib/etcd', '--data-dir=/srv/etcd'),
    ],
    ['its data folder is no path of the host', etcdManifest.replaceAll('/var/lib/etcd', 'var/lib/etcd')],
  ])('is one where %s', (_, manifest) => {
    expect(localMember(manifest)).toBeUndefined();
  });
});

describe('the etcd of a host', () => {
  test('is its own member where it has one', async () => {
    const host = new FakeHost({
      files: {
        [`${manifests}/etcd.yaml`]: etcdManifest,
        [`${manifests}/kube-apiserver.yaml`]: golden('default/files/kube-apiserver.yaml'),
      },
    });
    expect(await hostEtcd(host)).toMatchObject({
      endpoints: ['https://127.0.0.1:2379'],
      files,
      local: { name: 'master1' },
    });
  });

  test('is the external one that its API server uses where it has none', async () => {
    const host = new FakeHost({
      files: { [`${manifests}/kube-apiserver.yaml`]: golden('external-etcd/files/kube-apiserver.yaml') },
    });
    expect(await hostEtcd(host)).toEqual({
      local: undefined,
      ...apiServerEtcd(golden('external-etcd/files/kube-apiserver.yaml')),
    });
    expect((await hostEtcd(host))?.endpoints).toHaveLength(3);
  });

  test('is unknown on a worker', async () => {
    expect(await hostEtcd(new FakeHost())).toBeUndefined();
  });

  test('is opened with the certificates from the host', async () => {
    const etcds = new FakeEtcd(three, '192.168.3.29');
    const host = new FakeHost({ files: { [files.ca]: 'CA', [files.cert]: 'CERT', [files.key]: 'KEY' } });
    const opened = await openHostEtcd({ host, etcds }, { endpoints: ['https://127.0.0.1:2379'], files });
    expect('etcd' in opened && (await opened.etcd.members())).toHaveLength(3);
  });

  test('is not opened without one of them, which is named', async () => {
    const host = new FakeHost({ files: { [files.ca]: 'CA', [files.cert]: 'CERT' } });
    const opened = await openHostEtcd(
      { host, etcds: new FakeEtcd(three) },
      { endpoints: ['https://127.0.0.1:2379'], files },
    );
    expect(opened).toEqual({ missing: files.key });
  });
});

test('the line for etcdctl has everything that it needs', () => {
  expect(etcdctl('https://192.168.3.30:2379', files, `member remove ${hexId('10276657743932975437')}`)).toBe(
    `etcdctl --endpoints=https://192.168.3.30:2379 --cacert=${files.ca} --cert=${files.cert} --key=${files.key} member remove 8e9e05c52164694d`,
  );
  expect(etcdctl('http://10.0.0.1:2379', {}, 'member list')).toBe(
    'etcdctl --endpoints=http://10.0.0.1:2379 member list',
  );
});
