// The static Pod of a stacked etcd member (spec 04 §3.7).
import type { LocalEtcd } from '../config/spec.ts';
import { etcdImage } from '../kube/images.ts';
import { etcdHasReadyz, hasStableEtcdFlags } from '../kube/traits.ts';
import { joinHostPort } from '../util/net.ts';
import { composeArguments, type DefaultArgs, lastArgument } from './arguments.ts';
import type { KubeObject } from './object.ts';
import { mergeEnvironment, type PodContext, type ProbeTarget, samePath, staticPod } from './pod.ts';

/** Joining nodes read the members' client URLs back from their Pods. */
const etcdClientUrlsAnnotation = 'kubeadm.kubernetes.io/etcd.advertise-client-urls';

/** etcd's static Pod. @throws Error when the cluster's etcd is external: then no Pod is rendered. */
export function etcdPod(ctx: PodContext): KubeObject {
  const { cluster, endpoint } = ctx;
  const etcd = localEtcd(ctx);
  return staticPod(ctx, {
    name: 'etcd',
    annotations: { [etcdClientUrlsAnnotation]: `https://${joinHostPort(endpoint.advertiseAddress, 2379)}` },
    image: etcdImage(cluster),
    command: ['etcd', ...composeArguments(defaultArguments(ctx, etcd), etcd.extraArgs, cluster.version)],
    // No proxy variables: etcd talks to its peers and nobody else.
    env: mergeEnvironment(etcd.extraEnvs, cluster.version),
    requests: { cpu: '100m', memory: '100Mi' },
    probes: probes(ctx, etcd),
    volumes: [
      samePath('etcd-data', etcd.dataDir, 'DirectoryOrCreate', false),
      samePath('etcd-certs', `${cluster.certificatesDir}/etcd`, 'DirectoryOrCreate', false),
    ],
    mountOrder: ['etcd-data', 'etcd-certs'],
  });
}

function localEtcd(ctx: PodContext): LocalEtcd {
  if (ctx.cluster.etcd.kind === 'external') throw new Error('an external etcd has no static Pod');
  return ctx.cluster.etcd;
}

function loopback(ctx: PodContext): string {
  return ctx.endpoint.advertiseAddress.includes(':') ? '::1' : '127.0.0.1';
}

function defaultArguments(ctx: PodContext, etcd: LocalEtcd): DefaultArgs {
  const { node, initialCluster = [] } = ctx;
  const pki = `${ctx.cluster.certificatesDir}/etcd`;
  const clientUrl = `https://${joinHostPort(ctx.endpoint.advertiseAddress, 2379)}`;
  const peerUrl = `https://${joinHostPort(ctx.endpoint.advertiseAddress, 2380)}`;
  const isJoining = initialCluster.length > 0;
  const members = isJoining ? initialCluster : [{ name: node.name, peerURL: peerUrl }];
  return {
    'advertise-client-urls': clientUrl,
    'cert-file': `${pki}/server.crt`,
    'client-cert-auth': 'true',
    'data-dir': etcd.dataDir,
    ...corruptionCheck(ctx),
    'initial-advertise-peer-urls': peerUrl,
    'initial-cluster': members.map((member) => `${member.name}=${member.peerURL}`).join(','),
    'initial-cluster-state': isJoining ? 'existing' : undefined,
    'key-file': `${pki}/server.key`,
    'listen-client-urls': `https://${joinHostPort(loopback(ctx), 2379)},${clientUrl}`,
    'listen-metrics-urls': `http://${joinHostPort(loopback(ctx), 2381)}`,
    'listen-peer-urls': peerUrl,
    name: node.name,
    'peer-cert-file': `${pki}/peer.crt`,
    'peer-client-cert-auth': 'true',
    'peer-key-file': `${pki}/peer.key`,
    'peer-trusted-ca-file': `${pki}/ca.crt`,
    'snapshot-count': '10000',
    'trusted-ca-file': `${pki}/ca.crt`,
  };
}

/** Refuse to start on corrupt data, and tell watchers the revision every 5 s; etcd 3.6 renamed both flags. */
function corruptionCheck(ctx: PodContext): DefaultArgs {
  const tag = etcdImage(ctx.cluster).split(':').at(-1) ?? '';
  return hasStableEtcdFlags(ctx.cluster.version, tag)
    ? { 'feature-gates': 'InitialCorruptCheck=true', 'watch-progress-notify-interval': '5s' }
    : { 'experimental-initial-corrupt-check': 'true', 'experimental-watch-progress-notify-interval': '5s' };
}

function probes(ctx: PodContext, etcd: LocalEtcd): ProbeTarget {
  const target = metricsEndpoint(ctx, etcd);
  return etcdHasReadyz(ctx.cluster.version)
    ? { ...target, liveness: '/livez', readiness: '/readyz', startup: '/readyz' }
    : {
        ...target,
        liveness: '/health?exclude=NOSPACE&serializable=true',
        startup: '/health?serializable=false',
      };
}

/** The first of the user's listen-metrics-urls, each part of it with kubeadm's default. */
function metricsEndpoint(ctx: PodContext, etcd: LocalEtcd): Pick<ProbeTarget, 'scheme' | 'host' | 'port'> {
  const given = lastArgument(etcd.extraArgs, 'listen-metrics-urls')?.split(',')[0];
  const match = /^(?:([a-z][a-z0-9+.-]*):)?\/\/(?:\[([^\]]*)\]|([^:/?#]*))(?::(\d*))?(?:[/?#]|$)/i.exec(given ?? '');
  const port = Number(match?.[4] ?? 0);
  return {
    scheme: match?.[1]?.toLowerCase() === 'https' ? 'HTTPS' : 'HTTP',
    host: match?.[2] || match?.[3] || loopback(ctx),
    port: port > 0 && port <= 65_535 ? port : 2381,
  };
}
