// Each phase of init: what a first run makes, that a second run changes nothing, that a run after a kill makes what is
// missing and no more, and that a dry run plans it and does nothing.
import { describe, expect, test } from 'vitest';
import { initHarness, initSpec, type InitHarness } from '../../../fakes/init.ts';

const etc = '/etc/kubernetes';

/** Phases that write files: what each makes, and a file of it whose loss the next run mends alone. */
const ofFiles = [
  {
    name: 'certs',
    before: [],
    makes: [
      'ca',
      'apiserver',
      'apiserver-kubelet-client',
      'front-proxy-ca',
      'front-proxy-client',
      'apiserver-etcd-client',
    ]
      .concat(['etcd/ca', 'etcd/server', 'etcd/peer', 'etcd/healthcheck-client'])
      .flatMap((base) => [`${etc}/pki/${base}.crt`, `${etc}/pki/${base}.key`])
      .concat([`${etc}/pki/sa.key`, `${etc}/pki/sa.pub`]),
    lost: [`${etc}/pki/apiserver.crt`, `${etc}/pki/apiserver.key`],
  },
  {
    name: 'kubeconfig',
    before: ['certs'],
    makes: ['admin', 'super-admin', 'kubelet', 'controller-manager', 'scheduler'].map((name) => `${etc}/${name}.conf`),
    lost: [`${etc}/scheduler.conf`],
  },
  {
    name: 'kubelet-start',
    before: [],
    makes: ['config.yaml', 'instance-config.yaml', 'kubeadm-flags.env'].map((name) => `/var/lib/kubelet/${name}`),
    lost: ['/var/lib/kubelet/config.yaml'],
  },
  {
    name: 'control-plane',
    before: ['certs'],
    makes: ['apiserver', 'controller-manager', 'scheduler'].map((name) => `${etc}/manifests/kube-${name}.yaml`),
    lost: [`${etc}/manifests/kube-scheduler.yaml`],
  },
  { name: 'etcd', before: ['certs'], makes: [`${etc}/manifests/etcd.yaml`], lost: [`${etc}/manifests/etcd.yaml`] },
] as const;

/** Files of kbinit's own are not what a phase is for. */
function filesOf({ host }: InitHarness): ReadonlyMap<string, string> {
  return new Map([...host.files].filter(([path]) => !path.startsWith('/var/lib/kbinit/')));
}

describe.each(ofFiles)('$name', ({ name, before, makes, lost }) => {
  async function after(): Promise<InitHarness> {
    const harness = initHarness();
    await harness.run(...before);
    return harness;
  }

  test('makes its files the first time, the secret ones for root alone', async () => {
    const harness = await after();
    const known = new Set(filesOf(harness).keys());
    expect(await harness.run(name)).toBe('done');
    const made = [...filesOf(harness).keys()].filter((path) => !known.has(path));
    expect(made.toSorted()).toEqual([...makes].toSorted());
    const open = made.filter((path) => /\.(?:key|conf)$/.test(path) && harness.host.modes.get(path) !== 0o600);
    expect(open).toEqual([]);
  });

  test('changes nothing the second time', async () => {
    const harness = await after();
    await harness.run(name);
    const files = filesOf(harness);
    expect(await harness.run(name)).toBe('unchanged');
    expect(filesOf(harness)).toEqual(files);
  });

  test('makes what a killed run did not, and leaves the rest', async () => {
    const harness = await after();
    await harness.run(name);
    const files = filesOf(harness);
    for (const path of lost) harness.host.files.delete(path);
    expect(await harness.run(name)).toBe('done');
    const changed = [...filesOf(harness)].filter(([path, body]) => files.get(path) !== body).map(([path]) => path);
    expect(changed.filter((path) => !lost.some((one) => one === path))).toEqual([]);
    expect([...filesOf(harness).keys()].toSorted()).toEqual([...files.keys()].toSorted());
  });

  test('plans its files in a dry run, and writes none', async () => {
    const harness = await after();
    const files = filesOf(harness);
    const lines = await harness.plan(name);
    expect(makes.filter((path) => !lines.some((line) => line.startsWith(`create ${path} (`)))).toEqual([]);
    expect(filesOf(harness)).toEqual(files);
  });
});

const node = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'master1', labels: { 'kubernetes.io/hostname': 'master1' } },
};
const credentials = ['certs', 'kubeconfig'] as const;

/** Phases that write objects, and one of them whose loss the next run mends alone. */
const ofObjects = [
  {
    name: 'upload-config',
    makes: ['ConfigMap kube-system/kubeadm-config', 'ConfigMap kube-system/kubelet-config'],
    lost: 'ConfigMap kube-system/kubelet-config',
  },
  {
    name: 'upload-certs',
    makes: ['Secret kube-system/kubeadm-certs', 'Role kube-system/kubeadm:kubeadm-certs'],
    lost: 'Role kube-system/kubeadm:kubeadm-certs',
  },
  {
    name: 'bootstrap-token',
    makes: ['Secret kube-system/bootstrap-token-abcdef', 'ConfigMap kube-public/cluster-info'],
    lost: 'ConfigMap kube-public/cluster-info',
  },
  {
    name: 'addons',
    makes: [
      'Deployment kube-system/coredns',
      'ConfigMap kube-system/coredns',
      'DaemonSet kube-system/kube-proxy',
      'ConfigMap kube-system/kube-proxy',
    ],
    lost: 'DaemonSet kube-system/kube-proxy',
  },
] as const;

const nameOf = ({ kind, metadata: { namespace, name } }: InitHarness['api']['objects'][number]): string =>
  `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;

describe.each(ofObjects)('$name', ({ name, makes, lost }) => {
  async function after(): Promise<InitHarness> {
    const harness = initHarness({ objects: [node] });
    await harness.run(...credentials);
    return harness;
  }

  test('makes its objects the first time', async () => {
    const harness = await after();
    expect(await harness.run(name)).toBe('done');
    const there = harness.api.objects.map(nameOf);
    expect(makes.filter((object) => !there.includes(object))).toEqual([]);
  });

  test('changes nothing the second time', async () => {
    const harness = await after();
    await harness.run(name);
    harness.api.changes.length = 0;
    expect(await harness.run(name)).toBe('unchanged');
    expect(harness.api.changes).toEqual([]);
  });

  test('makes the object again that is missing, and no other', async () => {
    const harness = await after();
    await harness.run(name);
    harness.api.objects = harness.api.objects.filter((object) => nameOf(object) !== lost);
    harness.api.changes.length = 0;
    expect(await harness.run(name)).toBe('done');
    expect(new Set(harness.api.changes.map((text) => text.replace(/^\w+ /, '')))).toEqual(new Set([lost]));
  });

  test('plans its objects in a dry run, and writes none', async () => {
    const harness = await after();
    const lines = await harness.plan(name);
    expect(makes.filter((object) => !lines.includes(`create ${object}`))).toEqual([]);
    expect(harness.api.changes).toEqual([]);
  });
});

describe('mark-control-plane', () => {
  async function after(): Promise<InitHarness> {
    const harness = initHarness({ objects: [node] });
    await harness.run(...credentials);
    return harness;
  }

  test('labels and taints the node once', async () => {
    const harness = await after();
    expect(await harness.run('mark-control-plane')).toBe('done');
    const marked = harness.api.objects.find(({ kind }) => kind === 'Node');
    expect(marked?.metadata.labels).toMatchObject({ 'node-role.kubernetes.io/control-plane': '' });
    expect(marked?.['spec']).toMatchObject({
      taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }],
    });
    expect(await harness.run('mark-control-plane')).toBe('unchanged');
  });

  test('only plans it in a dry run', async () => {
    const harness = await after();
    expect(await harness.plan('mark-control-plane')).toContain('change Node master1');
    expect(harness.api.changes.filter((text) => text.includes('Node'))).toEqual([]);
  });
});

describe('kubelet-finalize', () => {
  const rotated = '/var/lib/kubelet/pki/kubelet-client-current.pem';

  test('points kubelet.conf at the certificate that the kubelet rotates, restarts it, and is done once', async () => {
    const harness = initHarness();
    await harness.run(...credentials);
    harness.host.files.set(rotated, 'pem');
    expect(await harness.run('kubelet-finalize')).toBe('done');
    expect(harness.host.files.get(`${etc}/kubelet.conf`)).toContain(`client-certificate: ${rotated}`);
    expect(harness.host.ran.filter(({ command }) => command.includes('systemctl restart kubelet'))).toHaveLength(1);
    expect(await harness.run('kubelet-finalize')).toBe('unchanged');
  });

  test('leaves kubelet.conf alone where the kubelet rotates none', async () => {
    const harness = initHarness();
    await harness.run(...credentials);
    expect(await harness.run('kubelet-finalize')).toBe('unchanged');
  });
});

describe('wait', () => {
  test('ends when the kubelet and the control plane are healthy, and notes that the cluster serves', async () => {
    const harness = initHarness();
    await harness.run(...credentials);
    await harness.run('wait');
    expect(harness.host.files.get('/var/lib/kbinit/journal/init.json')).toContain('finishedAt');
  });

  test('waits for nothing in a dry run', async () => {
    const harness = initHarness();
    expect(await harness.plan('wait')).toEqual([]);
    expect(harness.api.servers).toEqual([]);
  });
});

describe('upload-certs', () => {
  test('shows the key of what it uploaded, and in a dry run none', async () => {
    const harness = initHarness();
    await harness.run(...credentials);
    await harness.plan('upload-certs');
    expect(harness.printed).toEqual([]);
    await harness.run('upload-certs');
    expect(harness.printed.join('')).toMatch(/Using certificate key:\n[0-9a-f]{64}\n/);
  });
});

test('the spec that these phases get is the default of init', () => {
  expect(initSpec.bootstrapTokens.map(({ token }) => token.slice(0, 6))).toEqual(['abcdef']);
});
