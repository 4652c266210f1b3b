// What a dry run of join goes by when the cluster does not answer: kubeadm's defaults for this kubelet, and no CA.
import { defaults } from '../../config/defaults.ts';
import { completeKubelet } from '../../config/kubelet.ts';
import type { ApiCredentials } from '../../cluster/types.ts';
import type { KbError } from '../../errors.ts';
import { newestVersion } from '../../kube/releases.ts';
import { parseVersion } from '../../kube/version.ts';
import { warn } from '../context.ts';
import type { DiscoveredCluster, JoinContext } from './context.ts';

/** Stands where the cluster's CA would be in the plan. */
const unknownCa = "(the cluster's CA certificate, which a real join gets from the cluster)\n";

/** What flags or a file say of a cluster that does not answer. */
export type KnownCluster = ApiCredentials;

/** A cluster as it would be by default, after saying so. */
export async function assumeCluster(
  ctx: JoinContext,
  known: KnownCluster,
  failure: KbError,
): Promise<DiscoveredCluster> {
  const [problem] = failure.problems;
  warn(
    ctx,
    'preflight',
    `${problem?.summary ?? 'the cluster does not answer'} (${problem?.detail ?? ''}): the plan goes by kubeadm's defaults, without the cluster's ${known.ca === undefined ? 'CA and its ' : ''}KubeletConfiguration`,
  );
  const { kubeletVersion, isResolvedActive } = await ctx.host.facts();
  const version = parseVersion(kubeletVersion ?? '') ?? newestVersion();
  const { serviceSubnet, dnsDomain, certificatesDir } = defaults;
  const networking = { serviceSubnet, dnsDomain, podSubnet: '' };
  const kubelet = completeKubelet(undefined, { version, networking, certificatesDir, isResolvedActive }).config;
  const credentials = { ...known, ca: known.ca ?? unknownCa };
  return {
    credentials,
    api: ctx.apis.open(credentials),
    isAssumed: true,
    clusterName: defaults.clusterName,
    cluster: { version, featureGates: {}, imageRepository: defaults.imageRepository, kubelet },
  };
}
