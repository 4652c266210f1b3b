// Phase addons: CoreDNS and kube-proxy, and a Pod network where the user asked for one.
import type { Api, KubeObject } from '../../cluster/types.ts';
import { corednsObjects } from '../../manifests/coredns.ts';
import { flannelObjects } from '../../manifests/flannel.ts';
import { kubeProxyObjects, withReadOnlyConntrack } from '../../manifests/kube-proxy.ts';
import { writeYaml } from '../../util/yaml.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { adminApi } from './admin.ts';
import { applyAll, together } from '../cluster/apply.ts';
import { step, warn, type InitContext } from '../context.ts';

const flags = ['config', 'kubeconfig', 'kubernetes-version', 'image-repository', 'dry-run'];
const kubeProxyFlags = [
  'apiserver-advertise-address',
  'control-plane-endpoint',
  'apiserver-bind-port',
  'pod-network-cidr',
];
const corednsFlags = ['feature-gates', 'service-dns-domain', 'service-cidr'];

export const addons: Phase<InitContext> = {
  name: 'addons',
  aliases: ['addon'],
  summary: 'Install CoreDNS and kube-proxy',
  flags: [...flags, ...kubeProxyFlags, ...corednsFlags, 'print-manifest'],
  phases: [
    { name: 'coredns', summary: 'Install CoreDNS', flags: [...flags, ...corednsFlags, 'print-manifest'] },
    { name: 'kube-proxy', summary: 'Install kube-proxy', flags: [...flags, ...kubeProxyFlags, 'print-manifest'] },
  ],
  run: install,
};

async function install(ctx: InitContext, parts: readonly string[]): Promise<PhaseOutcome> {
  const { cluster } = ctx.spec;
  const withDns = parts.includes('coredns') && !cluster.dns.isDisabled;
  const withProxy = parts.includes('kube-proxy') && !cluster.proxy.isDisabled;
  const proxy = withProxy ? await kubeProxy(ctx) : [];
  if (ctx.settings.printManifest) {
    const objects = [
      ...(withDns ? corednsObjects(cluster, { replicas: 2, patches: ctx.settings.patches }) : []),
      ...proxy,
    ];
    ctx.print(objects.map(writeYaml).join('---\n'));
    return 'unchanged';
  }
  const api = await adminApi(ctx);
  const outcomes = await Promise.all<PhaseOutcome>([
    withDns ? installCoredns(ctx, api) : 'unchanged',
    applyAll(api, proxy),
    installNetwork(ctx, api),
  ]);
  return together(outcomes);
}

async function kubeProxy(ctx: InitContext): Promise<readonly KubeObject[]> {
  const { proxyEnvironment, readOnlyConntrack } = await ctx.host.facts();
  const { cluster, fields } = withReadOnlyConntrack(ctx.spec.cluster, readOnlyConntrack);
  if (fields.length > 0) {
    const text = `kube-proxy gets ${fields.join(', ')}: the kernel's limits of connection tracking cannot be changed on this host`;
    warn(ctx, 'addons', text);
  }
  return kubeProxyObjects(cluster, ctx.spec.localAPIEndpoint, proxyEnvironment);
}

/** A Corefile that somebody edited and a replica count that somebody chose are kept, as kubeadm keeps them. */
async function installCoredns(ctx: InitContext, api: Api): Promise<PhaseOutcome> {
  const inKubeSystem = { namespace: 'kube-system', name: 'coredns' };
  const [deployment, config] = await Promise.all([
    api.get({ apiVersion: 'apps/v1', kind: 'Deployment', ...inKubeSystem }),
    api.get({ apiVersion: 'v1', kind: 'ConfigMap', ...inKubeSystem }),
  ]);
  const objects = corednsObjects(ctx.spec.cluster, {
    replicas: replicasOf(deployment) ?? 2,
    patches: ctx.settings.patches,
  });
  if (config === undefined) return applyAll(api, objects);
  step(ctx, 'addons', 'the existing Corefile is kept');
  return applyAll(
    api,
    objects.filter(({ kind }) => kind !== 'ConfigMap'),
  );
}

function replicasOf(deployment: KubeObject | undefined): number | undefined {
  const spec = deployment?.['spec'];
  if (typeof spec !== 'object' || spec === null || !('replicas' in spec)) return undefined;
  return typeof spec.replicas === 'number' ? spec.replicas : undefined;
}

async function installNetwork(ctx: InitContext, api: Api): Promise<PhaseOutcome> {
  if (ctx.settings.cni === undefined) return 'unchanged';
  const [namespace, ...rest] = flannelObjects({
    network: ctx.spec.cluster.networking.podSubnet,
    backend: ctx.settings.flannelBackend,
  });
  if (namespace === undefined) return 'unchanged';
  const outcome = await applyAll(api, [namespace]);
  return together([outcome, await applyAll(api, rest)]);
}
