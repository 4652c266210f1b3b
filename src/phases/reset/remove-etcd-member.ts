// Reset, phase remove-etcd-member: leave the etcd cluster first; only a data folder that is proven ours is given up.
import { KbError } from '../../errors.ts';
import type { Artifact } from '../../host/host.ts';
import { manifestPath, paths } from '../../kube/paths.ts';
import { readYaml } from '../../util/yaml.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { step } from '../context.ts';
import { journalFolder, journalPath, parseJournal, resetJournalPath } from '../journal.ts';
import type { ResetContext } from './context.ts';

/** The member of this host; it listens there whatever its advertised address is (spec 04, etcd manifest). */
const ownEtcd = 'https://127.0.0.1:2379';

export const removeEtcdMember: Phase<ResetContext> = {
  name: 'remove-etcd-member',
  summary: 'Take the local etcd member out of its cluster',
  flags: ['kubeconfig', 'dry-run'],
  run: leave,
};

async function leave(ctx: ResetContext): Promise<PhaseOutcome> {
  const folder = `${ctx.spec.certificatesDir}/etcd`;
  const [ca, cert, key] = [`${folder}/ca.crt`, `${folder}/healthcheck-client.crt`, `${folder}/healthcheck-client.key`];
  const files = await ctx.host.readAll([manifestPath('etcd'), journalPath, resetJournalPath, ca, cert, key]);
  const manifest = readEtcdManifest(files.get(manifestPath('etcd')));
  if (manifest === undefined) {
    // An etcd without our manifest is somebody else's: its data stays (kubeadm#3225).
    step(ctx, 'remove-etcd-member', `no static etcd Pod on this host; data under ${paths.etcdData} is left alone`);
    return 'unchanged';
  }
  ctx.etcdDataDir = manifest.dataDir;
  const journal = resetJournal(manifest);
  if (files.get(resetJournalPath) === journal.body) {
    step(ctx, 'remove-etcd-member', 'an earlier reset came this far: the member has left');
    return 'unchanged';
  }
  const outcome = await leaveCluster(ctx, manifest, { files, ca, cert, key });
  // From here on a reset that is cut can be run again although etcd no longer answers.
  await ctx.host.write([journal], [{ path: journalFolder, mode: 0o700 }]);
  return outcome;
}

/** Says of which data the member has left. */
function resetJournal({ dataDir, peerUrl }: EtcdManifest): Artifact {
  return { path: resetJournalPath, mode: 0o600, body: `${JSON.stringify({ format: 1, dataDir, peerUrl })}\n` };
}

interface HostFiles {
  readonly files: ReadonlyMap<string, string>;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

async function leaveCluster(ctx: ResetContext, manifest: EtcdManifest, found: HostFiles): Promise<PhaseOutcome> {
  const { files, ca, cert, key } = found;
  const [caText, certText, keyText] = [files.get(ca), files.get(cert), files.get(key)];
  const isFinished = parseJournal(files.get(journalPath))?.finishedAt !== undefined;
  if (caText === undefined || certText === undefined || keyText === undefined) {
    if (isFinished) throw unreachable(ctx, manifest.dataDir, `${cert} and its key are not there`);
    return 'unchanged';
  }
  const etcd = ctx.etcds.open({ endpoints: [ownEtcd], ca: caText, cert: certText, key: keyText });
  const members = await etcd.members().catch((error: unknown) => {
    // An init that never finished has a cluster of one at most.
    if (!isFinished && parseJournal(files.get(journalPath)) !== undefined) return [];
    throw unreachable(ctx, manifest.dataDir, error instanceof Error ? error.message : String(error));
  });
  const own = members.find(({ peerUrls }) => peerUrls.includes(manifest.peerUrl));
  if (own === undefined || members.length === 1) {
    step(ctx, 'remove-etcd-member', members.length === 1 ? 'this is the only etcd member' : 'no member to remove');
    return 'unchanged';
  }
  try {
    await etcd.remove(own.id);
  } catch (error) {
    throw notRemoved(ctx, own.id, manifest.dataDir, error);
  }
  step(ctx, 'remove-etcd-member', `etcd member ${own.name} has left the cluster`);
  return 'done';
}

function unreachable(ctx: ResetContext, dataDir: string, found: string): KbError {
  return new KbError({
    code: 'KB_ETCD_UNREACHABLE',
    summary: 'etcd on this host does not answer, so its member cannot leave its cluster',
    host: ctx.host.name,
    detail: `${found}; ${dataDir} was not touched`,
    fix: `start etcd (systemctl start kubelet) and reset again; or, when this cluster is to be lost, move ${dataDir} and ${manifestPath('etcd')} away first`,
  });
}

function notRemoved(ctx: ResetContext, id: string, dataDir: string, error: unknown): KbError {
  const hex = BigInt(id).toString(16);
  return new KbError({
    code: 'KB_ETCD_MEMBER',
    summary: 'the etcd member could not be removed',
    host: ctx.host.name,
    detail: `member ${hex}: ${error instanceof Error ? error.message : String(error)}; ${dataDir} was not touched`,
    fix: `mend the etcd cluster, or remove the member from another control plane: etcdctl member remove ${hex}; then reset again`,
  });
}

interface EtcdManifest {
  readonly dataDir: string;
  readonly peerUrl: string;
}

/** Data folder and peer URL of the static Pod; undefined when there is none that we could have written. */
function readEtcdManifest(text: string | undefined): EtcdManifest | undefined {
  if (text === undefined) return undefined;
  const flags = new Map<string, string>();
  for (const match of JSON.stringify(parse(text)).matchAll(/"--([a-z-]+)=([^"]*)"/g)) {
    flags.set(match[1] ?? '', match[2] ?? '');
  }
  const dataDir = flags.get('data-dir');
  if (dataDir === undefined || !dataDir.startsWith('/')) return undefined;
  return { dataDir, peerUrl: flags.get('initial-advertise-peer-urls') ?? '' };
}

function parse(text: string): unknown {
  try {
    return readYaml(text) ?? null;
  } catch {
    return null;
  }
}
