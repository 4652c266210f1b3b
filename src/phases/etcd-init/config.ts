// etcd cluster, phase config: each member's configuration and unit, and who may read and write what.
import { clusterToken } from '../../certs/etcd-cluster.ts';
import { KbError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { script, sh } from '../../host/shell.ts';
import { etcdConfig, etcdPaths, etcdUnit, etcdUser } from '../../manifests/etcd-unit.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { onAll, type EtcdClusterContext, type Member } from './context.ts';

export const config: Phase<EtcdClusterContext> = {
  name: 'config',
  summary: 'Write the configuration and the systemd unit of each member',
  run: configure,
};

async function configure(ctx: EtcdClusterContext): Promise<PhaseOutcome> {
  await onAll(ctx.members, (member, index) => configureMember(ctx, member, index));
  return ctx.touched.size > 0 ? 'done' : 'unchanged';
}

async function configureMember(ctx: EtcdClusterContext, member: Member, index: number): Promise<void> {
  const { members, spec, programs, authority } = ctx;
  const program = programs[index];
  if (program === undefined || authority === undefined) throw new TypeError('programs and certs come before config');
  const text = etcdConfig({ member, members, cluster: spec, token: clusterToken(authority), version: program.version });
  // Whose the folder is comes first: once etcd.env is there, data below it counts as this cluster's.
  const isMended = await mendOwners(member.host, spec.dataDir);
  const changes = await member.host.write([
    { path: etcdPaths.config, mode: 0o644, body: text },
    { path: etcdPaths.unit, mode: 0o644, body: etcdUnit(program.path, spec) },
  ]);
  if (isMended || changes.some(({ outcome }) => outcome !== 'unchanged')) ctx.touched.add(member.host.name);
}

/** The data folder is etcd's alone; the keys are root's, and etcd's to read. */
interface Owner {
  readonly path: string;
  readonly kind: 'file' | 'folder';
  /** As `stat -c '%U:%G %a'` says it. */
  readonly wanted: string;
}

function owners(dataDir: string): readonly Owner[] {
  const keys = ['server', 'peer'].map((name) => `${etcdPaths.pki}/${name}.key`);
  return [
    { path: dataDir, kind: 'folder', wanted: `${etcdUser}:${etcdUser} 700` },
    ...keys.map((path): Owner => ({ path, kind: 'file', wanted: `root:${etcdUser} 640` })),
  ];
}

const mend = script`
[ "$1" = file ] || mkdir -p -- "$4" || exit 1
chown -h "$2" "$4" && chmod "$3" "$4"
`;

/** True when something was not as it must be. @throws KbError KB_WRITE */
async function mendOwners(host: Host, dataDir: string): Promise<boolean> {
  const all = owners(dataDir);
  const paths = all.map(({ path }) => path);
  const look = sh`for path in ${paths}; do stat -c '%U:%G %a' -- "$path" 2>/dev/null || echo none; done`;
  const seen = (await host.probe(look)).stdout.split('\n');
  const wrong = all.filter(({ wanted }, index) => seen[index] !== wanted);
  for (const { path, kind, wanted } of wrong) {
    const [owner = '', mode = ''] = wanted.split(' ');
    const why = `give ${path} to ${owner} (${mode})`;
    const { code, stderr } = await host.run(sh`set -- ${kind} ${owner} ${mode} ${path}; ${mend}`, why);
    if (code === 0) continue;
    throw new KbError({
      code: 'KB_WRITE',
      summary: 'a file cannot be given to its owner',
      host: host.name,
      detail: `${path}: ${stderr.trim()}`,
      fix: `make sure that the user and the group ${etcdUser} exist and that the file system keeps owners`,
    });
  }
  return wrong.length > 0;
}
