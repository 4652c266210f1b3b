// Finding the cluster by a kubeconfig file, on the joining host or at an https URL (spec 06 §3.2).
import type { FileDiscovery } from '../../config/spec.ts';
import { KbError } from '../../errors.ts';
import { parseClusterInfo } from '../../kubeconfig/kubeconfig.ts';
import { isCertificateError } from '../../util/tls-error.ts';
import { TimedOut, until, type Attempt } from '../../util/until.ts';
import { warn } from '../context.ts';
import type { FoundCluster, JoinContext } from './context.ts';
import { clusterInfoData, clusterInfoPath, impostor, lookAtClusterInfo, waiting } from './cluster-info.ts';
import { pinsOfFound } from './discovered-ca.ts';
import { loginOf, noLogin, readFoundFile, type FoundFile } from './discovery-credentials.ts';
import { httpsGet } from './https-get.ts';

/** Server, CA and credentials that the file has. */
export async function findByFile(ctx: JoinContext, discovery: FileDiscovery): Promise<FoundCluster> {
  const file = await readFoundFile(ctx, discovery.kubeConfigPath);
  // What needs no cluster is refused before one is asked.
  const login = loginOf(ctx, file);
  if (file.ca !== undefined) pinsOfFound(ctx, file.ca, file.source);
  const info = await clusterInfo(ctx, file);
  if (info !== undefined && info.server !== file.server) {
    const text = `${file.source} has the server ${file.server}, the cluster-info has ${info.server}; using the file's`;
    warn(ctx, 'preflight', text);
  }
  const ca = file.ca ?? info?.ca ?? '';
  pinsOfFound(ctx, ca, file.source);
  return { server: file.server, ca, ...login };
}

/** How long the API server may refuse a token: one that was just made is known within a second. */
const refusalSeconds = 10;

/**
 * Look whether the server is the one that the file means; what cluster-info says, where it may be read.
 * @throws KbError KB_DISCOVERY_TLS, KB_DISCOVERY_CREDENTIALS, KB_DISCOVERY_TIMEOUT
 */
async function clusterInfo(
  ctx: JoinContext,
  file: FoundFile,
): Promise<{ readonly server: string; readonly ca: string } | undefined> {
  const looker = openLooker(ctx, file);
  const start = performance.now();
  const attempt = async (): Promise<Attempt<string | undefined>> => {
    const { status, body } = await looker.look();
    if (status === 200) return { value: clusterInfoData(body)['kubeconfig'] };
    if (status === 403) {
      // The administrator has closed cluster-info; the certificate was good, and that is what counts (kubeadm).
      warn(ctx, 'preflight', `the cluster does not let cluster-info be read: going by ${file.source} alone`);
      return { value: undefined };
    }
    if (status === 401 && performance.now() - start > refusalSeconds * 1000) {
      throw noLogin(ctx, `the API server ${file.server} refuses the credentials of ${file.source} (HTTP 401)`);
    }
    return { notYet: `HTTP ${status} for ConfigMap kube-public/cluster-info` };
  };
  try {
    const text = await until(`${file.server} to show cluster-info`, waiting(ctx), attempt);
    return text === undefined ? undefined : readInfo(text);
  } catch (error) {
    throw error instanceof TimedOut ? notFound(ctx, file, error) : error;
  } finally {
    looker.close();
  }
}

interface Looker {
  look(): Promise<{ readonly status: number; readonly body: string }>;
  close(): void;
}

/** Verified with the file's CA; with none in it, with those that the host trusts, as any URL. */
function openLooker(ctx: JoinContext, { source, server, ca, user }: FoundFile): Looker {
  if (ca !== undefined) {
    const api = ctx.apis.open({ server, ca, ...user });
    return { look: () => lookAtClusterInfo(ctx, api, `the CA of ${source}`), close: () => api.close() };
  }
  const headers = user.token === undefined ? {} : { authorization: `Bearer ${user.token}` };
  return {
    look: async () => {
      try {
        return await httpsGet(ctx, new URL(clusterInfoPath, server), headers);
      } catch (error) {
        throw isCertificateError(error)
          ? impostor(ctx, server, `a CA that ${ctx.host.name} trusts (${source} has none)`, error.message)
          : error;
      }
    },
    close: () => undefined,
  };
}

/** A cluster-info that cannot be read is no reason not to join: the file is what was asked for (kubeadm). */
function readInfo(text: string): ReturnType<typeof parseClusterInfo> | undefined {
  try {
    return parseClusterInfo(text);
  } catch {
    return undefined;
  }
}

function notFound(ctx: JoinContext, { source, server }: FoundFile, failure: TimedOut): KbError {
  return new KbError({
    code: 'KB_DISCOVERY_TIMEOUT',
    summary: 'the cluster could not be found',
    host: ctx.host.name,
    detail: `asked ${server} (from ${source}) from ${ctx.host.name} for ${failure.seconds} s; last answer: ${failure.last}`,
    fix: 'check the server in the file and that the host reaches it (a firewall, a load balancer without a healthy backend), then run the same command again',
  });
}
