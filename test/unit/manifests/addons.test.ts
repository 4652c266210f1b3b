import { describe, expect, test } from 'vitest';
import { corednsObjects, corefile, dnsAddress } from '../../../src/manifests/coredns.ts';
import { flannelImages, flannelObjects } from '../../../src/manifests/flannel.ts';
import { kubeProxyObjects, withReadOnlyConntrack } from '../../../src/manifests/kube-proxy.ts';
import type { KubeObject } from '../../../src/manifests/object.ts';
import { completeKubeProxy } from '../../../src/config/kube-proxy.ts';
import { readYaml } from '../../../src/util/yaml.ts';
import { at, cluster, list, v } from './fixture.ts';

function find(objects: readonly KubeObject[], kind: string): KubeObject {
  const object = objects.find((candidate) => candidate.kind === kind);
  if (object === undefined) throw new Error(`no ${kind}`);
  return object;
}

const endpoint = { advertiseAddress: '192.168.3.129', bindPort: 6443 };

describe('kube-proxy on a host whose connection-tracking limits cannot be changed (R29)', () => {
  const max = ['nf_conntrack_max'];
  /** The cluster of a user who wrote this for kube-proxy, or nothing. */
  const clusterWith = (given?: Record<string, unknown>): ReturnType<typeof cluster> => {
    const around = { version: v(36, 3), podSubnet: '', advertiseAddress: '192.168.3.129' };
    return cluster({ kubeProxy: completeKubeProxy(given, around).config });
  };
  const conntrackOf = (given: Record<string, unknown> | undefined, names: readonly string[]): unknown => {
    const objects = kubeProxyObjects(withReadOnlyConntrack(clusterWith(given), names).cluster, endpoint);
    return at(readYaml(String(at(find(objects, 'ConfigMap'), 'data', 'config.conf'))), 'conntrack');
  };

  test('leaves them alone, each by itself', () => {
    expect(conntrackOf(undefined, max)).toMatchObject({ maxPerCore: 0, tcpEstablishedTimeout: null });
    const all = [...max, 'nf_conntrack_tcp_timeout_established', 'nf_conntrack_tcp_timeout_close_wait'];
    const untouched = { maxPerCore: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' };
    expect(conntrackOf(undefined, all)).toMatchObject(untouched);
    expect(withReadOnlyConntrack(clusterWith(), all).fields).toEqual([
      'conntrack.maxPerCore: 0',
      'conntrack.tcpEstablishedTimeout: 0s',
      'conntrack.tcpCloseWaitTimeout: 0s',
    ]);
  });

  test('keeps what the user has set, and what may be changed', () => {
    for (const maxPerCore of [0, 4096]) {
      const given = clusterWith({ conntrack: { maxPerCore } });
      expect(withReadOnlyConntrack(given, max)).toEqual({ cluster: given, fields: [] });
    }
    expect(conntrackOf({ conntrack: { min: 7 } }, max)).toMatchObject({ maxPerCore: 0, min: 7 });
    expect(conntrackOf(undefined, [])).toMatchObject({ maxPerCore: null });
  });
});

describe('CoreDNS', () => {
  test('keeps the replicas the cluster has', () => {
    expect(at(find(corednsObjects(cluster(), { replicas: 5 }), 'Deployment'), 'spec', 'replicas')).toBe(5);
    expect(at(find(corednsObjects(cluster()), 'Deployment'), 'spec', 'replicas')).toBe(2);
  });

  test('a patch changes the Deployment from 1.31 on, but not what it is called', () => {
    const text =
      'metadata: {name: other, labels: {a: "1"}}\nspec: {template: {spec: {containers: [{name: coredns, image: mine}]}}}';
    const patches = [{ path: 'corednsdeployment.yaml', text }];
    const deploymentOf = (minor: number): KubeObject =>
      find(corednsObjects(cluster({ version: v(minor) }), { patches }), 'Deployment');
    expect(deploymentOf(31)).toMatchObject({
      metadata: { name: 'coredns', namespace: 'kube-system', labels: { a: '1', 'k8s-app': 'kube-dns' } },
      spec: { template: { spec: { containers: [{ image: 'mine', imagePullPolicy: 'IfNotPresent' }] } } },
    });
    expect(deploymentOf(30).metadata.labels).toEqual({ 'k8s-app': 'kube-dns' });
  });

  test('1.25 tolerates the old role and gets nodes', () => {
    const objects = corednsObjects(cluster({ version: v(25, 7) }));
    expect(list(at(find(objects, 'Deployment'), 'spec', 'template', 'spec', 'tolerations'))).toEqual([
      { key: 'CriticalAddonsOnly', operator: 'Exists' },
      { effect: 'NoSchedule', key: 'node-role.kubernetes.io/master' },
      { effect: 'NoSchedule', key: 'node-role.kubernetes.io/control-plane' },
    ]);
    expect(list(at(find(objects, 'ClusterRole'), 'rules'))).toContainEqual({
      apiGroups: [''],
      resources: ['nodes'],
      verbs: ['get'],
    });
  });

  test('without a domain the cache has no exceptions, and neither until 1.31', () => {
    const networking = { serviceSubnet: '10.96.0.0/12', podSubnet: '', dnsDomain: '' };
    expect(corefile({ version: v(36), networking })).toContain('\n    cache 30\n');
    expect(corefile({ version: v(31), networking: { ...networking, dnsDomain: 'c.l' } })).toContain('\n    cache 30\n');
    expect(corefile({ version: v(32), networking: { ...networking, dnsDomain: 'c.l' } })).toContain(
      'disable denial c.l',
    );
  });

  test('answers at the tenth address of the first service range', () => {
    expect(dnsAddress('10.96.0.0/12')).toBe('10.96.0.10');
    expect(dnsAddress('fd00:10:96::/112,10.96.0.0/12')).toBe('fd00:10:96::a');
    expect(() => dnsAddress('10.96.0.0/30')).toThrow('no tenth address');
  });
});

describe('kube-proxy', () => {
  test('has the proxy variables of the host behind its own', () => {
    const objects = kubeProxyObjects(cluster(), endpoint, { no_proxy: 'a', HTTP_PROXY: 'b', https_proxy: '' });
    const env = at(find(objects, 'DaemonSet'), 'spec', 'template', 'spec', 'containers', 0, 'env');
    expect(list(env).map((variable) => at(variable, 'name'))).toEqual(['NODE_NAME', 'HTTP_PROXY', 'no_proxy']);
  });

  test('reaches the API server by the endpoint of the control plane, else by this one', () => {
    const serverOf = (changes: Parameters<typeof cluster>[0], address: string): string => {
      const objects = kubeProxyObjects(cluster(changes), { advertiseAddress: address, bindPort: 6443 });
      return String(at(find(objects, 'ConfigMap'), 'data', 'kubeconfig.conf'));
    };
    expect(serverOf({ controlPlaneEndpoint: 'vip.example:8443' }, '192.168.3.129')).toContain(
      'server: https://vip.example:8443\n',
    );
    expect(serverOf({}, 'fd00::1')).toContain('server: https://[fd00::1]:6443\n');
  });

  test('a config of the user is not signed', () => {
    const kubeProxy = { isUserSupplied: true, document: { mode: 'nftables' } };
    expect(find(kubeProxyObjects(cluster({ kubeProxy }), endpoint), 'ConfigMap').metadata.annotations).toBeUndefined();
  });
});

describe('flannel', () => {
  const netConfigOf = (network: string): unknown =>
    JSON.parse(String(at(find(flannelObjects({ network, backend: 'vxlan' }), 'ConfigMap'), 'data', 'net-conf.json')));

  test('its namespace comes first', () => {
    expect(flannelObjects({ network: '10.244.0.0/16', backend: 'vxlan' })[0]?.kind).toBe('Namespace');
  });

  test('a Pod network of IPv6 alone switches IPv4 off', () => {
    expect(netConfigOf('fd00:10:244::/56')).toMatchObject({
      EnableIPv4: false,
      EnableIPv6: true,
      IPv6Network: 'fd00:10:244::/56',
    });
  });

  test('which family comes first makes no difference', () => {
    expect(netConfigOf('fd00::/56,10.244.0.0/16')).toEqual(netConfigOf('10.244.0.0/16,fd00::/56'));
  });

  test('without a Pod network, or with IPv6 over udp, it is refused', () => {
    expect(() => flannelObjects({ network: '', backend: 'vxlan' })).toThrow('KB_FLANNEL_NETWORK');
    expect(() => flannelObjects({ network: '10.244.0.0/16,fd00::/56', backend: 'udp' })).toThrow('KB_FLANNEL_NETWORK');
  });

  test('a mirror holds both images', () => {
    const text = JSON.stringify(
      flannelObjects({ network: '10.244.0.0/16', backend: 'vxlan', imageRepository: 'mirror.example/flannel' }),
    );
    expect(text).not.toContain('ghcr.io');
    expect(flannelImages('mirror.example/flannel')).toEqual({
      daemon: 'mirror.example/flannel/flannel:v0.28.4',
      plugin: 'mirror.example/flannel/flannel-cni-plugin:v1.9.1-flannel1',
    });
  });
});
