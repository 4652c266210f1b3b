import { describe, expect, test } from 'vitest';
import { etcdPod } from '../../../src/manifests/etcd.ts';
import { at, cluster, containerOf, flag, localEtcd, podContext, v } from './fixture.ts';

test('a joining member names all members and joins what exists', () => {
  const pod = etcdPod(
    podContext({
      initialCluster: [
        { name: 'master2', peerURL: 'https://192.168.3.30:2380' },
        { name: 'master1', peerURL: 'https://192.168.3.129:2380' },
      ],
    }),
  );
  expect(flag(pod, 'initial-cluster')).toBe('master2=https://192.168.3.30:2380,master1=https://192.168.3.129:2380');
  expect(flag(pod, 'initial-cluster-state')).toBe('existing');
});

test('an IPv6 member listens on the IPv6 loopback address', () => {
  const pod = etcdPod(podContext({ endpoint: { advertiseAddress: 'fd00::1', bindPort: 6443 } }));
  expect(flag(pod, 'listen-client-urls')).toBe('https://[::1]:2379,https://[fd00::1]:2379');
  expect(flag(pod, 'listen-metrics-urls')).toBe('http://[::1]:2381');
  expect(at(containerOf(pod), 'livenessProbe', 'httpGet', 'host')).toBe('::1');
});

test('proxy variables of the host are not for etcd', () => {
  const host = { caDirectories: [], proxyEnvironment: { HTTPS_PROXY: 'http://p' } };
  const etcd = { ...localEtcd, extraEnvs: [{ name: 'GOGC', value: '50' }] };
  expect(at(containerOf(etcdPod(podContext({ host, cluster: cluster({ etcd }) }))), 'env')).toEqual([
    { name: 'GOGC', value: '50' },
  ]);
});

describe('probes follow the first of the metrics URLs', () => {
  test.each([
    ['https://10.0.0.1:2382,http://127.0.0.1:2381', { scheme: 'HTTPS', host: '10.0.0.1' }, 2382],
    ['http://[fd00::2]:9999', { scheme: 'HTTP', host: 'fd00::2' }, 9999],
    ['http://:9090', { scheme: 'HTTP', host: '127.0.0.1' }, 9090],
    ['http://10.0.0.1', { scheme: 'HTTP', host: '10.0.0.1' }, 2381],
    ['http://10.0.0.1:80', { scheme: 'HTTP', host: '10.0.0.1' }, 80],
    ['http://10.0.0.1:99999', { scheme: 'HTTP', host: '10.0.0.1' }, 2381],
    ['nonsense', { scheme: 'HTTP', host: '127.0.0.1' }, 2381],
  ])('%s', (value, target, port) => {
    const etcd = { ...localEtcd, extraArgs: [{ name: 'listen-metrics-urls', value }] };
    const container = containerOf(etcdPod(podContext({ cluster: cluster({ etcd }) })));
    expect(at(container, 'livenessProbe', 'httpGet')).toMatchObject(target);
    expect(at(container, 'ports', 0, 'containerPort')).toBe(port);
  });
});

describe('the corruption check', () => {
  const spelled = (minor: number, imageTag?: string): 'stable' | 'experimental' => {
    const etcd = imageTag === undefined ? localEtcd : { ...localEtcd, imageTag };
    const pod = etcdPod(podContext({ cluster: cluster({ version: v(minor, 4), etcd }) }));
    return flag(pod, 'feature-gates') === undefined ? 'experimental' : 'stable';
  };

  test('has a stable flag in 1.34 and 1.35 only with etcd 3.6', () => {
    expect(spelled(34)).toBe('stable');
    expect(spelled(34, '3.5.24-0')).toBe('experimental');
    expect(spelled(35, 'latest')).toBe('experimental');
  });

  test('always has one from 1.36 on, never before 1.34', () => {
    expect(spelled(36, '3.5.24-0')).toBe('stable');
    expect(spelled(33, '3.6.5-0')).toBe('experimental');
  });
});

test('until 1.30 etcd is probed at /health and has no readiness probe', () => {
  const container = containerOf(etcdPod(podContext({ cluster: cluster({ version: v(30, 14) }) })));
  expect(at(container, 'livenessProbe', 'httpGet', 'path')).toBe('/health?exclude=NOSPACE&serializable=true');
  expect(at(container, 'startupProbe', 'httpGet', 'path')).toBe('/health?serializable=false');
  expect(at(container, 'readinessProbe')).toBeUndefined();
});

test('an external etcd has no Pod', () => {
  const etcd = { kind: 'external', endpoints: [], httpEndpoints: [], caFile: '', certFile: '', keyFile: '' } as const;
  expect(() => etcdPod(podContext({ cluster: cluster({ etcd }) }))).toThrow('external');
});
