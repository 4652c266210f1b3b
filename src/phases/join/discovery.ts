// The door to discovery: the cluster to join is found once a run, by a token or by a file, and then asked for its configuration.
import { KbError } from '../../errors.ts';
import type { DiscoveredCluster, JoinContext } from './context.ts';
import { assumeCluster, type KnownCluster } from './default-config.ts';
import { findByFile } from './by-file.ts';
import { findByToken } from './by-token.ts';
import { clusterConfigs } from './cluster-configs.ts';
import { loginOf, readFoundFile } from './discovery-credentials.ts';

/** The cluster to join; found once a run. */
export function discover(ctx: JoinContext): Promise<DiscoveredCluster> {
  ctx.discovered ??= find(ctx);
  return ctx.discovered;
}

async function find(ctx: JoinContext): Promise<DiscoveredCluster> {
  const { discovery } = ctx.spec;
  try {
    const credentials = await (discovery.kind === 'file' ? findByFile(ctx, discovery) : findByToken(ctx, discovery));
    const api = ctx.apis.open(credentials, { callSeconds: ctx.spec.timeouts.kubernetesAPICall });
    return { credentials, api, ...(await clusterConfigs(ctx, api)) };
  } catch (error) {
    if (!ctx.spec.isDryRun || !(error instanceof KbError) || !error.has('KB_DISCOVERY_TIMEOUT')) throw error;
    return assumeCluster(ctx, await whatIsKnown(ctx), error);
  }
}

/** Where the cluster is said to be, and who we would be there. */
async function whatIsKnown(ctx: JoinContext): Promise<KnownCluster> {
  const { discovery } = ctx.spec;
  if (discovery.kind === 'token') {
    return { server: `https://${discovery.apiServerEndpoint}`, token: ctx.spec.tlsBootstrapToken ?? discovery.token };
  }
  const file = await readFoundFile(ctx, discovery.kubeConfigPath);
  return { server: file.server, ...(file.ca === undefined ? {} : { ca: file.ca }), ...loginOf(ctx, file) };
}
