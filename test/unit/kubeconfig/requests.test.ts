import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { certificateRequests, requestsInTheWay } from '../../../src/certs/requests.ts';
import { kubeconfigRequests } from '../../../src/kubeconfig/requests.ts';
import { fixedRandomSource } from '../../fakes/keys.ts';
import { pkiDir, spec } from '../certs/fixture.ts';

const from = { ...spec(), chance: fixedRandomSource() };

describe('signing requests for a CA that is kept elsewhere', () => {
  test('are made for every leaf and every kubeconfig, 0600, keys secret', async () => {
    const requests = [...(await certificateRequests(from)), ...(await kubeconfigRequests(from, '/k'))];
    expect(requests.map(({ name }) => name)).toEqual([
      'apiserver',
      'apiserver-kubelet-client',
      'front-proxy-client',
      'etcd-server',
      'etcd-peer',
      'etcd-healthcheck-client',
      'apiserver-etcd-client',
      'admin.conf',
      'super-admin.conf',
      'kubelet.conf',
      'controller-manager.conf',
      'scheduler.conf',
    ]);
    const files = requests.flatMap(({ artifacts }) => artifacts);
    expect(new Set(files.map(({ mode }) => mode))).toEqual(new Set([0o600]));
    expect(files.filter(({ path }) => !path.endsWith('.csr')).every(({ secret }) => secret === true)).toBe(true);
    expect(files.map(({ path }) => path)).toContain(`${pkiDir}/etcd/healthcheck-client.csr`);
    expect(files.map(({ path }) => path)).toContain('/k/admin.conf.csr');
  });

  test.each([
    ['apiserver', 'CN = kube-apiserver', 'DNS:master1, IP Address:10.96.0.1, IP Address:192.168.3.129'],
    ['etcd-server', 'CN = master1', 'DNS:localhost, DNS:master1, IP Address:192.168.3.129, IP Address:127.0.0.1'],
    ['kubelet.conf', 'O = system:nodes, CN = system:node:master1', undefined],
  ])('%s: openssl finds subject, names and a good signature', async (name, subject, names) => {
    const requests = [...(await certificateRequests(from)), ...(await kubeconfigRequests(from, '/k'))];
    const body = requests.find((one) => one.name === name)?.artifacts[1]?.body ?? '';
    const text = execFileSync('openssl', ['req', '-noout', '-verify', '-text'], {
      input: body,
      encoding: 'utf8',
      stdio: 'pipe',
    });
    expect(text).toContain(`Subject: ${subject}\n`);
    if (names === undefined) expect(text).not.toContain('Alternative Name');
    else expect(text).toContain(names);
    expect(text).not.toContain('Key Usage');
  });

  test('a kubeconfig waits with its key and without CA and certificate', async () => {
    const [admin] = await kubeconfigRequests(from, '/k');
    expect(admin?.artifacts[0]?.body.replace(/data: .*/g, 'data: X')).toBe(`apiVersion: v1
clusters:
- cluster:
    server: https://192.168.3.129:6443
  name: kubernetes
contexts:
- context:
    cluster: kubernetes
    user: kubernetes-admin
  name: kubernetes-admin@kubernetes
current-context: kubernetes-admin@kubernetes
kind: Config
users:
- name: kubernetes-admin
  user:
    client-key-data: X
`);
  });

  test('nothing that exists is overwritten', () => {
    expect(requestsInTheWay(['/a.key', '/b.csr'])).toMatchObject([
      { code: 'KB_FILE_EXISTS', detail: expect.stringContaining('/a.key') },
      { code: 'KB_FILE_EXISTS', detail: expect.stringContaining('/b.csr') },
    ]);
  });
});
