// etcd cluster, phase certs: one CA, whose key stays on one host, and on each host the pairs of its own member.
import { isIP } from 'node:net';
import { ensureEtcdPki } from '../../certs/etcd-cluster.ts';
import { memberPlace } from '../../certs/etcd-places.ts';
import { etcdPaths } from '../../manifests/etcd-unit.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { warn } from '../context.ts';
import { onAll, stepOn, type EtcdClusterContext } from './context.ts';

export const certs: Phase<EtcdClusterContext> = {
  name: 'certs',
  summary: 'Generate the certificates: a CA, and serving and peer certificates of each member',
  run: makeCertificates,
};

async function makeCertificates(ctx: EtcdClusterContext): Promise<PhaseOutcome> {
  const places = ctx.members.map(({ name, address, existing, reachedAddress }) => {
    const names = reachedAddress === undefined || isIP(reachedAddress) !== 0 ? [] : [reachedAddress.toLowerCase()];
    return memberPlace({ name, address }, names, { folder: etcdPaths.pki, existing });
  });
  const { authority, files, warnings } = await ensureEtcdPki({ places, chance: ctx.chance, now: ctx.startedAt });
  for (const text of warnings) warn(ctx, 'certs', text);
  ctx.authority = authority;
  // The CA is written before what it signed on any host: a run that is cut finds it.
  const [first, ...others] = ctx.members.map(({ host }, index) => ({ host, artifacts: files[index] ?? [] }));
  const write = async ({ host, artifacts }: NonNullable<typeof first>): Promise<void> => {
    if (artifacts.length === 0) return;
    ctx.touched.add(host.name);
    await host.write(artifacts, [
      { path: etcdPaths.folder, mode: 0o755 },
      { path: etcdPaths.pki, mode: 0o755 },
    ]);
    if (artifacts.some(({ path }) => path.endsWith('/ca.key'))) {
      stepOn(ctx, host, 'certs', `the CA's key is ${etcdPaths.pki}/ca.key, on this host only`);
    }
  };
  if (first !== undefined) await write(first);
  await onAll(others, write);
  return ctx.touched.size > 0 ? 'done' : 'unchanged';
}
