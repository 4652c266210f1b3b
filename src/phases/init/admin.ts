// The API client of init: admin.conf, made a cluster admin by super-admin.conf when the cluster is new (kubeadm 1.29).
import type { Api } from '../../cluster/types.ts';
import { KbError } from '../../errors.ts';
import { clusterAdminsBinding } from '../../manifests/rbac.ts';
import { localEndpoint } from '../../kubeconfig/endpoint.ts';
import { clientOf } from '../../kubeconfig/kubeconfig.ts';
import { paths } from '../../kube/paths.ts';
import { TimedOut, until } from '../../util/until.ts';
import { finishJournal } from './claim.ts';
import type { InitContext } from '../context.ts';
import { readExisting } from './existing.ts';
import { journalPath, parseJournal } from '../journal.ts';
import { statusOf } from './serving.ts';

/** Open a client from a kubeconfig on the host, sent to this host's own API server (kubeadm 1.36). */
async function openFrom(ctx: InitContext, path: string): Promise<Api | undefined> {
  const text = (await readExisting(ctx)).get(path) ?? (await ctx.host.read(path));
  if (text === undefined) return undefined;
  const isDefault = path === paths.adminConf || path === paths.superAdminConf;
  const client = clientOf(text, path);
  return ctx.apis.open(isDefault ? { ...client, server: localEndpoint(ctx.spec.localAPIEndpoint) } : client, {
    callSeconds: ctx.spec.timeouts.kubernetesAPICall,
  });
}

/** A client before the cluster knows its admins: good for health endpoints. */
export async function openUnprivileged(ctx: InitContext): Promise<Api> {
  const api = await openFrom(ctx, ctx.settings.kubeconfig);
  if (api !== undefined) return api;
  throw new KbError({
    code: 'KB_KUBECONFIG_MISSING',
    summary: 'no kubeconfig found for the API server',
    host: ctx.host.name,
    detail: `${ctx.settings.kubeconfig} does not exist on ${ctx.host.name}`,
    fix: 'run `kbinit init phase kubeconfig admin` first, or name another file with --kubeconfig',
  });
}

/** The admin's client; the first call sees to it that admin.conf's group is bound to cluster-admin. */
export function adminApi(ctx: InitContext): Promise<Api> {
  ctx.admin ??= openAdmin(ctx);
  return ctx.admin;
}

/** Whoever gets an answer here knows that the cluster serves, whether this run waited for it or not. */
async function openAdmin(ctx: InitContext): Promise<Api> {
  const admin = await bootstrap(ctx);
  // A dry run has no server that could answer, and its plan does not depend on one.
  if (ctx.spec.isDryRun || ctx.settings.kubeconfig !== paths.adminConf) return admin;
  const isUnfinished = parseJournal((await readExisting(ctx)).get(journalPath))?.finishedAt === undefined;
  if (isUnfinished && (await statusOf(admin, '/livez')) === 200) await finishJournal(ctx);
  return admin;
}

async function bootstrap(ctx: InitContext): Promise<Api> {
  const admin = await openUnprivileged(ctx);
  if (ctx.settings.kubeconfig !== paths.adminConf) return admin;
  const superAdmin = await openFrom(ctx, paths.superAdminConf);
  // Without super-admin.conf (it may be deleted after init) admin.conf must be an admin already.
  if (superAdmin === undefined) return admin;
  try {
    await superAdmin.apply(clusterAdminsBinding());
  } finally {
    superAdmin.close();
  }
  if (!ctx.spec.isDryRun) await untilAdmin(ctx, admin);
  return admin;
}

/** The API server's authorizer takes a moment to see a new binding. */
async function untilAdmin(ctx: InitContext, admin: Api): Promise<void> {
  const options = { timeoutSeconds: ctx.spec.timeouts.kubernetesAPICall, intervalMs: 20, signal: ctx.signal };
  try {
    await until('admin.conf to be a cluster admin', options, async () => {
      const { status } = await admin.raw('/api/v1/namespaces/kube-system/configmaps?limit=1');
      return status === 200 ? { value: true } : { notYet: `HTTP ${status}` };
    });
  } catch (error) {
    if (!(error instanceof TimedOut)) throw error;
    throw new KbError({
      code: 'KB_API_FORBIDDEN',
      summary: 'admin.conf has no rights in this cluster',
      host: ctx.host.name,
      detail: `reading kube-system with ${paths.adminConf} was answered by ${error.last} for ${error.seconds} s`,
      fix: `check that ${paths.adminConf} belongs to this cluster; when it is of another one, reset the host first`,
    });
  }
}
