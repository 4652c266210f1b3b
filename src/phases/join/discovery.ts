// The door to discovery: the cluster to join is found once a run, by a token or by a file, and then asked for its configuration.
import { KbError } from '../../errors.ts';
import type { DiscoveredCluster, JoinContext } from '../context.ts';
import { assumeCluster } from './assumed.ts';
import { findByFile } from './by-file.ts';
import { findByToken } from './by-token.ts';
import { clusterConfigs } from './cluster-configs.ts';

/** The cluster to join; found once a run. */
export function discover(ctx: JoinContext): Promise<DiscoveredCluster> {
  ctx.discovered ??= find(ctx);
  return ctx.discovered;
}

async function find(ctx: JoinContext): Promise<DiscoveredCluster> {
  const { discovery } = ctx.spec;
  try {
    const credentials = discovery.kind === 'file' ? await findByFile(ctx) : await findByToken(ctx, discovery);
    const api = ctx.apis.open(credentials, { callSeconds: ctx.spec.timeouts.kubernetesAPICall });
    return { credentials, api, ...(await clusterConfigs(ctx, api)) };
  } catch (error) {
    if (!ctx.spec.isDryRun || !(error instanceof KbError) || !error.has('KB_DISCOVERY_TIMEOUT')) throw error;
    if (discovery.kind === 'file') throw error;
    return assumeCluster(ctx, discovery, error);
  }
}
