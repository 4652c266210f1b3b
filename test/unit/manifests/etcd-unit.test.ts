import { expect, test } from 'vitest';
import {
  etcdConfig,
  etcdUnit,
  etcdVariable,
  externalEtcdSnippet,
  initialCluster,
} from '../../../src/manifests/etcd-unit.ts';
import { ownershipOf } from '../../../src/manifests/own-file.ts';
import { readYaml } from '../../../src/util/yaml.ts';

const members = [
  { name: 'etcd2', address: '10.0.0.2' },
  { name: 'etcd1', address: '10.0.0.1' },
];
const given = {
  member: { name: 'etcd1', address: '10.0.0.1' },
  members,
  cluster: { dataDir: '/var/lib/etcd', settings: [{ name: 'quota-backend-bytes', value: '8589934592' }] },
  token: 'kbinit-0123456789abcdef',
  version: { major: 3, minor: 6, patch: 8 },
};

/** Without the two lines that say whose it is. */
const body = (text: string): string => text.split('\n').slice(2).join('\n');

test('the whole configuration of a member, reviewed as it stands', () => {
  expect(body(etcdConfig(given))).toBe(`ETCD_NAME=etcd1
ETCD_DATA_DIR=/var/lib/etcd
ETCD_LISTEN_CLIENT_URLS=https://127.0.0.1:2379,https://10.0.0.1:2379
ETCD_ADVERTISE_CLIENT_URLS=https://10.0.0.1:2379
ETCD_CERT_FILE=/etc/etcd/pki/server.crt
ETCD_KEY_FILE=/etc/etcd/pki/server.key
ETCD_TRUSTED_CA_FILE=/etc/etcd/pki/ca.crt
ETCD_CLIENT_CERT_AUTH=true
ETCD_LISTEN_PEER_URLS=https://10.0.0.1:2380
ETCD_INITIAL_ADVERTISE_PEER_URLS=https://10.0.0.1:2380
ETCD_PEER_CERT_FILE=/etc/etcd/pki/peer.crt
ETCD_PEER_KEY_FILE=/etc/etcd/pki/peer.key
ETCD_PEER_TRUSTED_CA_FILE=/etc/etcd/pki/ca.crt
ETCD_PEER_CLIENT_CERT_AUTH=true
ETCD_LISTEN_METRICS_URLS=http://127.0.0.1:2381
ETCD_INITIAL_CLUSTER=etcd1=https://10.0.0.1:2380,etcd2=https://10.0.0.2:2380
ETCD_INITIAL_CLUSTER_STATE=new
ETCD_INITIAL_CLUSTER_TOKEN=kbinit-0123456789abcdef
ETCD_FEATURE_GATES=InitialCorruptCheck=true
ETCD_WATCH_PROGRESS_NOTIFY_INTERVAL=5s
ETCD_QUOTA_BACKEND_BYTES=8589934592
`);
});

test('before 3.6 the corruption check has the name of an experiment', () => {
  const text = etcdConfig({ ...given, version: { major: 3, minor: 5, patch: 24 } });
  expect(text).toContain('ETCD_EXPERIMENTAL_INITIAL_CORRUPT_CHECK=true\n');
  expect(text).not.toContain('FEATURE_GATES');
});

test('IPv6 addresses stand in brackets, and loopback is of the same family', () => {
  const member = { name: 'etcd1', address: 'fd00::1' };
  const text = etcdConfig({ ...given, member, members: [member] });
  expect(text).toContain('ETCD_LISTEN_CLIENT_URLS=https://[::1]:2379,https://[fd00::1]:2379\n');
  expect(text).toContain('ETCD_INITIAL_CLUSTER=etcd1=https://[fd00::1]:2380\n');
});

test('the members are the same in whichever order the hosts are named', () => {
  expect(initialCluster(members)).toBe(initialCluster(members.toReversed()));
});

test('the whole unit, reviewed as it stands', () => {
  expect(body(etcdUnit('/usr/local/bin/etcd', { dataDir: '/srv/etcd' }))).toBe(`[Unit]
Description=etcd, the store of a Kubernetes cluster
Documentation=https://etcd.io/docs/
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
User=etcd
EnvironmentFile=/etc/etcd/etcd.env
ExecStart=/usr/local/bin/etcd
Restart=always
RestartSec=5
TimeoutStartSec=0
LimitNOFILE=16384
UMask=0077
NoNewPrivileges=yes
CapabilityBoundingSet=
PrivateTmp=yes
PrivateDevices=yes
ProtectHome=yes
ProtectSystem=full
ReadWriteDirectories=/srv/etcd
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
SystemCallArchitectures=native

[Install]
WantedBy=multi-user.target
`);
});

test('both files are recognised as our own', () => {
  expect(ownershipOf(etcdConfig(given))).toBe('ours');
  expect(ownershipOf(etcdUnit('/usr/bin/etcd', { dataDir: '/var/lib/etcd' }))).toBe('ours');
});

test('a flag has the variable that etcd reads for it', () => {
  expect(etcdVariable('initial-cluster-token')).toBe('ETCD_INITIAL_CLUSTER_TOKEN');
});

test('what a ClusterConfiguration is told is YAML with every member', () => {
  const text = externalEtcdSnippet(members, { ca: '/a/ca.crt', cert: '/a/c.crt', key: '/a/c.key' });
  expect(readYaml(text)).toEqual({
    etcd: {
      external: {
        endpoints: ['https://10.0.0.2:2379', 'https://10.0.0.1:2379'],
        caFile: '/a/ca.crt',
        certFile: '/a/c.crt',
        keyFile: '/a/c.key',
      },
    },
  });
});
