import { describe, expect, test } from 'vitest';
import type { ExternalEtcd } from '../../../src/config/spec.ts';
import { apiserverPod } from '../../../src/manifests/apiserver.ts';
import type { KubeObject } from '../../../src/manifests/object.ts';
import {
  at,
  cluster,
  commandOf,
  component,
  containerOf,
  flag,
  list,
  localEtcd,
  podContext,
  v,
  volumesOf,
} from './fixture.ts';

const external: ExternalEtcd = {
  kind: 'external',
  endpoints: ['https://a:2379', 'https://b:2379'],
  httpEndpoints: [],
  caFile: '/etc/etcd/ssl/ca.pem',
  certFile: '/etc/etcd/ssl/client.pem',
  keyFile: '/etc/etcd/ssl/client-key.pem',
};

function podOf(changes: Parameters<typeof cluster>[0]): KubeObject {
  return apiserverPod(podContext({ cluster: cluster(changes) }));
}

test('an IPv6 address is bracketed in URLs and plain in flags', () => {
  const pod = apiserverPod(podContext({ endpoint: { advertiseAddress: 'fd00::1', bindPort: 7443 } }));
  expect(pod.metadata.annotations).toEqual({
    'kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint': '[fd00::1]:7443',
  });
  expect(flag(pod, 'advertise-address')).toBe('fd00::1');
  expect(flag(pod, 'etcd-servers')).toBe('https://[::1]:2379');
});

test('a wildcard address is no host to probe', () => {
  const pod = apiserverPod(podContext({ endpoint: { advertiseAddress: '0.0.0.0', bindPort: 6443 } }));
  expect(at(containerOf(pod), 'livenessProbe', 'httpGet')).toEqual({
    path: '/livez',
    port: 'probe-port',
    scheme: 'HTTPS',
  });
});

test('the startup probe waits for the configured time, rounded up to whole periods', () => {
  const pod = apiserverPod(podContext({ timeouts: { controlPlaneComponentHealthCheck: 125 } }));
  expect(at(containerOf(pod), 'startupProbe', 'failureThreshold')).toBe(13);
});

test('etcd is asked where etcd.local advertises itself', () => {
  const etcd = { ...localEtcd, extraArgs: [{ name: 'advertise-client-urls', value: 'https://10.0.0.1:2379' }] };
  expect(flag(podOf({ etcd }), 'etcd-servers')).toBe('https://10.0.0.1:2379');
});

describe('external etcd', () => {
  test('the folders of its files are mounted read-only', () => {
    const pod = podOf({ etcd: external });
    expect(volumesOf(pod)).toMatchObject({ 'etcd-certs-0': '/etc/etcd/ssl' });
    expect(list(at(containerOf(pod), 'volumeMounts'))).toContainEqual({
      mountPath: '/etc/etcd/ssl',
      name: 'etcd-certs-0',
      readOnly: true,
    });
  });

  test('nested folders are mounted as their parent, folders that only begin alike both', () => {
    const pod = podOf({
      etcd: { ...external, caFile: '/etc/etcd/ca.pem', certFile: '/etc/etcd/tls/c.pem', keyFile: '/etc/etcd2/k.pem' },
    });
    expect(volumesOf(pod)).toMatchObject({ 'etcd-certs-0': '/etc/etcd', 'etcd-certs-1': '/etc/etcd2' });
    expect(volumesOf(pod)).not.toHaveProperty('etcd-certs-2');
  });

  test('folders that are mounted anyway are not mounted twice', () => {
    const pod = podOf({
      etcd: {
        ...external,
        caFile: '/etc/kubernetes/pki/etcd/ca.crt',
        certFile: '/etc/ssl/certs/c.pem',
        keyFile: '/etc/pki/tls/certs/k.pem',
      },
    });
    expect(Object.keys(volumesOf(pod)).filter((name) => name.startsWith('etcd-certs'))).toEqual([]);
  });

  test('without a client pair no pair is named, without a CA no CA', () => {
    const pod = podOf({ etcd: { ...external, caFile: '', certFile: '', keyFile: '' } });
    expect(commandOf(pod).filter((part) => part.startsWith('--etcd-'))).toEqual([
      '--etcd-servers=https://a:2379,https://b:2379',
    ]);
  });
});

describe('authorization modes', () => {
  const withMode = (value: string) => ({
    apiServer: { ...component, certSANs: [], extraArgs: [{ name: 'authorization-mode', value }] },
  });

  test('an authorization config file takes their place (1.30)', () => {
    const extraArgs = [{ name: 'authorization-config', value: '/etc/authz.yaml' }];
    const pod = podOf({ apiServer: { ...component, certSANs: [], extraArgs } });
    expect(flag(pod, 'authorization-mode')).toBeUndefined();
  });

  test("the user's are printed as given from 1.30 on", () => {
    expect(flag(podOf(withMode('Node,Fancy')), 'authorization-mode')).toBe('Node,Fancy');
  });

  test('unknown ones were dropped until 1.29, and the defaults stood in when none was left', () => {
    const old = { version: v(29, 15) };
    expect(flag(podOf({ ...old, ...withMode('Node,Fancy,Webhook') }), 'authorization-mode')).toBe('Node,Webhook');
    expect(flag(podOf({ ...old, ...withMode('Fancy') }), 'authorization-mode')).toBe('Node,RBAC');
  });

  test('in 1.29 they stand behind the defaults', () => {
    expect(commandOf(podOf({ version: v(29, 15) })).at(-1)).toBe('--authorization-mode=Node,RBAC');
  });
});

describe('volumes and environment', () => {
  test('only extra CA folders that exist are mounted, those of the version', () => {
    const host = { caDirectories: ['/etc/pki', '/etc/pki/ca-trust', '/etc/pki/tls/certs'], proxyEnvironment: {} };
    expect(Object.keys(volumesOf(apiserverPod(podContext({ host }))))).toEqual([
      'ca-certs',
      'etc-pki-ca-trust',
      'etc-pki-tls-certs',
      'k8s-certs',
    ]);
    const old = apiserverPod(podContext({ host, cluster: cluster({ version: v(30, 14) }) }));
    expect(Object.keys(volumesOf(old))).toEqual(['ca-certs', 'etc-pki', 'k8s-certs']);
  });

  test('an extra volume replaces a default of its name, mount included', () => {
    const extraVolumes = [{ name: 'ca-certs', hostPath: '/opt/certs', mountPath: '/certs', readOnly: true }];
    const pod = podOf({ apiServer: { ...component, certSANs: [], extraVolumes } });
    expect(list(at(pod, 'spec', 'volumes'))).toContainEqual({
      name: 'ca-certs',
      hostPath: { path: '/opt/certs', type: '' },
    });
    expect(list(at(containerOf(pod), 'volumeMounts'))).toEqual([
      { mountPath: '/certs', name: 'ca-certs', readOnly: true },
      { mountPath: '/etc/kubernetes/pki', name: 'k8s-certs', readOnly: true },
    ]);
  });

  test('proxy variables of the host are passed on, sorted, extraEnvs before them', () => {
    const host = {
      caDirectories: [],
      proxyEnvironment: { no_proxy: '10.0.0.0/8', HTTPS_PROXY: 'http://p', http_proxy: '' },
    };
    const extraEnvs = [
      { name: 'no_proxy', value: 'example' },
      { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    ];
    const pod = apiserverPod(
      podContext({ host, cluster: cluster({ apiServer: { ...component, certSANs: [], extraEnvs } }) }),
    );
    expect(at(containerOf(pod), 'env')).toEqual([
      { name: 'HTTPS_PROXY', value: 'http://p' },
      { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'no_proxy', value: 'example' },
    ]);
  });
});

test('until 1.33 probes name the port by its number and the container declares none', () => {
  const container = containerOf(podOf({ version: v(33, 9) }));
  expect(at(container, 'livenessProbe', 'httpGet', 'port')).toBe(6443);
  expect(at(container, 'ports')).toBeUndefined();
});

test('1.25 has no priority number', () => {
  expect(at(podOf({ version: v(25, 7) }), 'spec', 'priority')).toBeUndefined();
  expect(at(podOf({ version: v(26, 15) }), 'spec', 'priority')).toBe(2_000_001_000);
});
