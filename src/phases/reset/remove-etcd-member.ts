// Reset, phase remove-etcd-member: leave the etcd cluster first; only a data folder that is proven ours is given up.
import { KbError } from '../../errors.ts';
import { sh } from '../../host/shell.ts';
import { manifestPath } from '../../kube/paths.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { step, warn } from '../context.ts';
import { localMember, type LocalMember } from '../etcd/access.ts';
import { journalFolder, journalPath, parseJournal } from '../journal.ts';
import type { ResetContext } from './context.ts';
import { parseStaticPod } from '../cluster/static-pod.ts';
import { leaveCluster } from './leave-cluster.ts';
import { hasLeft, leftFiles, leftJournal } from './reset-marker.ts';

export const removeEtcdMember: Phase<ResetContext> = {
  name: 'remove-etcd-member',
  summary: 'Remove the local etcd member from the etcd cluster',
  flags: ['kubeconfig', 'force-wipe-etcd', 'dry-run'],
  run: leave,
};

async function leave(ctx: ResetContext): Promise<PhaseOutcome> {
  const files = await ctx.host.readAll([...leftFiles, journalPath, manifestPath('kube-apiserver')]);
  const member = localMember(files.get(manifestPath('etcd')));
  const isForced = await isWipeConfirmed(ctx, member);
  if (member === undefined) {
    step(ctx, 'remove-etcd-member', 'kubeadm or kbinit runs no etcd on this host: its data, if any, is left alone');
    return 'unchanged';
  }
  ctx.etcdDataDir = member.dataDir;
  if (hasLeft(files, member)) {
    step(ctx, 'remove-etcd-member', 'an earlier reset came this far: the member has left');
    return 'unchanged';
  }
  const outcome = await leaveCluster(ctx, member).catch(async (error: unknown) => {
    if (!(error instanceof KbError) || error.has('KB_INTERRUPTED')) throw error;
    if (isForced) tellForced(ctx, member, error);
    else if (!error.has('KB_ETCD_UNREACHABLE') || (await isWorthKeeping(ctx, member, files))) throw error;
    return 'done' as const;
  });
  // From here on a reset that is cut can be run again although etcd no longer answers.
  await ctx.host.write([leftJournal(member)], [{ path: journalFolder, mode: 0o700 }]);
  return outcome;
}

/** The name typed is the last chance to notice the wrong host. @throws KbError KB_NOT_CONFIRMED */
async function isWipeConfirmed(ctx: ResetContext, member: LocalMember | undefined): Promise<boolean> {
  const typed = ctx.settings.forceWipeEtcd;
  if (typed === undefined) return false;
  const { hostname } = await ctx.host.facts();
  if ([hostname, member?.name].some((name) => name?.toLowerCase() === typed.toLowerCase())) return true;
  throw new KbError({
    code: 'KB_NOT_CONFIRMED',
    summary: 'nothing was reset: --force-wipe-etcd names another host',
    host: ctx.host.name,
    detail: `it has the value ${JSON.stringify(typed)}; this host is ${hostname}`,
    fix: `check which host you are on; to destroy the etcd data of this one: --force-wipe-etcd ${hostname}`,
  });
}

/**
 * Where etcd never ran there is nothing to lose; nor where the init never finished, in a cluster of one, and etcd holds
 * nothing of an API server's. That an init did not finish is no proof alone: its cluster may have come up behind it.
 */
async function isWorthKeeping(
  ctx: ResetContext,
  { dataDir, otherEndpoints }: LocalMember,
  files: ReadonlyMap<string, string>,
): Promise<boolean> {
  const { stdout } = await ctx.host.probe(sh`if [ -e ${dataDir}/member ]; then echo data; fi`);
  if (stdout.trim() !== 'data') return false;
  const init = parseJournal(files.get(journalPath));
  if (init === undefined || init.finishedAt !== undefined || otherEndpoints.length > 0) return true;
  const flags = parseStaticPod(files.get(manifestPath('kube-apiserver')))?.flags;
  const prefix = flags?.get('etcd-prefix') || '/registry';
  // Keys stand in etcd's log and database as they are. Only a clear no is one: 2 is a file that cannot be read.
  const { code } = await ctx.host.probe(sh`grep -rqaF -e ${prefix} -- ${dataDir}/member`, { timeoutSeconds: 120 });
  return code !== 1;
}

function tellForced(ctx: ResetContext, { name, dataDir }: LocalMember, error: KbError): void {
  for (const { summary, detail } of error.problems) {
    warn(ctx, 'remove-etcd-member', `${summary} (${detail}); ${dataDir} is destroyed all the same, as you asked`);
  }
  warn(
    ctx,
    'remove-etcd-member',
    `where other members are left, take this one out there: \`kbinit node remove ${name} --host root@CONTROL_PLANE\``,
  );
}
