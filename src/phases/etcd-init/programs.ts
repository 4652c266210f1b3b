// etcd cluster, phase programs: etcd on every host, uploaded, found or installed, new enough; and a user to run it.
import { KbError } from '../../errors.ts';
import type { Host } from '../../host/host.ts';
import { script, sh } from '../../host/shell.ts';
import { isEtcdTooOld, oldestExternalEtcd } from '../../kube/skew.ts';
import { formatVersion, parseVersion, type KubeVersion } from '../../kube/version.ts';
import { etcdUser } from '../../manifests/etcd-unit.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { ensureInstalled } from '../packages.ts';
import { onAll, stepOn, type EtcdClusterContext, type Member, type Program, type Upload } from './context.ts';

export const programs: Phase<EtcdClusterContext> = {
  name: 'programs',
  summary: 'Install etcd on the hosts',
  run: bring,
};

const uploadFolder = '/usr/local/bin';

async function bring(ctx: EtcdClusterContext): Promise<PhaseOutcome> {
  ctx.programs = await onAll(ctx.members, (member) => bringTo(ctx, member));
  const versions = new Set(ctx.programs.map(({ version }) => formatVersion(version)));
  if (versions.size > 1) {
    const text = `the hosts have etcd ${[...versions].join(', ')}: give all of them the same`;
    ctx.reporter.emit({ kind: 'warning', host: ctx.host.name, phase: 'programs', text });
  }
  return ctx.touched.size > 0 ? 'done' : 'unchanged';
}

async function bringTo(ctx: EtcdClusterContext, { host }: Member): Promise<Program> {
  const { etcd, etcdctl } = ctx.uploads;
  const isEtcdNew = etcd === undefined ? await install(ctx, host) : await upload(ctx, host, 'etcd', etcd);
  const isEtcdctlNew = etcdctl !== undefined && (await upload(ctx, host, 'etcdctl', etcdctl));
  const isUserNew = await ensureUser(host, ctx.spec.dataDir);
  const path = etcd === undefined ? await findEtcd(host) : `${uploadFolder}/etcd`;
  // A dry run has brought nothing yet.
  const program = ctx.spec.isDryRun && isEtcdNew ? planned : await versionOf(host, path);
  if (isEtcdNew || isEtcdctlNew || isUserNew) ctx.touched.add(host.name);
  return program;
}

const planned: Program = { path: `${uploadFolder}/etcd`, version: { ...oldestExternalEtcd(), minor: 6 } };

// ---------------------------------------------------------------------------------------------------------- upload

// Uploaded beside its place, tried there, then renamed: a running etcd keeps the file it was started from.
const place = script`
new="$1.kbinit"
trap 'rm -f -- "$new"' EXIT
[ "$(sha256sum <"$new" | cut -d ' ' -f 1)" = "$2" ] || { echo "the checksum is not that of the file" >&2; exit 3; }
"$new" "$3" >/dev/null || exit 4
mv -f -T -- "$new" "$1"
if [ -d /sys/fs/selinux/class ] && command -v restorecon >/dev/null; then restorecon -- "$1"; fi
`;

async function upload(
  ctx: EtcdClusterContext,
  host: Host,
  name: 'etcd' | 'etcdctl',
  { bytes, sha256 }: Upload,
): Promise<boolean> {
  const path = `${uploadFolder}/${name}`;
  const { stdout } = await host.probe(sh`sha256sum ${path} 2>/dev/null | cut -d ' ' -f 1`);
  if (stdout.trim() === sha256) return false;
  stepOn(
    ctx,
    host,
    'programs',
    `uploading ${name} (${Math.ceil(bytes.length / 2 ** 20)} MiB, sha256 ${sha256.slice(0, 12)}…)`,
  );
  const question = name === 'etcd' ? '--version' : 'version';
  const source = { size: bytes.length, read: async (at: number, length: number) => bytes.subarray(at, at + length) };
  await host.upload({ path: `${path}.kbinit`, mode: 0o755, source, sha256 });
  const command = sh`set -- ${path} ${sha256} ${question}; ${place}`;
  const { code, stderr } = await host.run(command, `put ${path} in its place`, { signal: ctx.signal });
  if (code === 0) return true;
  throw new KbError({
    code: 'KB_ETCD_BINARY',
    summary: `the given ${name} cannot be used on this host`,
    host: host.name,
    detail: `${stderr.trim().split('\n').at(-1) || `exit code ${code}`}; ${path} is as it was`,
    fix: `give the ${name} of etcd's release for the architecture of ${host.name}`,
  });
}

// ------------------------------------------------------------------------------------------------------- installed

async function install(ctx: EtcdClusterContext, host: Host): Promise<boolean> {
  const packaged = { program: 'etcd', deb: 'etcd-server', rpm: 'etcd', quiet: 'etcd.service' };
  return ensureInstalled(ctx, 'programs', packaged, host);
}

async function findEtcd(host: Host): Promise<string> {
  return (await host.probe(sh`command -v etcd || true`)).stdout.trim() || `${uploadFolder}/etcd`;
}

/** @throws KbError KB_ETCD_BINARY when it does not run, or Kubernetes would refuse it */
async function versionOf(host: Host, path: string): Promise<Program> {
  const { stdout, stderr } = await host.probe(sh`${path} --version`);
  const version = parseVersion(/^etcd Version: (\S+)/m.exec(stdout)?.[1] ?? '');
  if (version === undefined) {
    throw new KbError({
      code: 'KB_ETCD_BINARY',
      summary: 'could not read the etcd version',
      host: host.name,
      detail: `${path} --version: ${(stderr || stdout).trim().split('\n')[0] ?? 'no answer'}`,
      fix: 'give a release of etcd with --etcd-binary',
    });
  }
  if (isEtcdTooOld(version)) throw tooOld(host.name, path, version);
  return { path, version };
}

function tooOld(host: string, path: string, version: KubeVersion): KbError {
  return new KbError({
    code: 'KB_ETCD_BINARY',
    summary: 'this etcd is too old for Kubernetes',
    host,
    detail: `${path} is ${formatVersion(version)}; kubeadm and kbinit require ${formatVersion(oldestExternalEtcd())} or later (check ExternalEtcdVersion)`,
    fix: 'download a release from https://github.com/etcd-io/etcd/releases and give it with --etcd-binary (and --etcdctl-binary)',
  });
}

// ------------------------------------------------------------------------------------------------------------ user

async function ensureUser(host: Host, dataDir: string): Promise<boolean> {
  const { code } = await host.probe(sh`id ${etcdUser} >/dev/null 2>&1`);
  if (code === 0) return false;
  const shell = script`$(command -v nologin || echo /bin/false)`;
  const result = await host.run(
    sh`useradd --system --user-group --no-create-home --home-dir ${dataDir} --shell "${shell}" --comment etcd ${etcdUser}`,
    'make a user for etcd',
  );
  if (result.code === 0) return true;
  throw new KbError({
    code: 'KB_ETCD_USER',
    summary: 'the user for etcd could not be made',
    host: host.name,
    detail: result.stderr.trim() || `useradd ended with exit code ${result.code}`,
    fix: `make a system user and a group ${etcdUser}, then run again`,
  });
}
