// What an earlier join on this host means for this one, and what this one leaves for a later.
import { caPins } from '../../certs/pin.ts';
import { clientOf } from '../../kubeconfig/kubeconfig.ts';
import { paths } from '../../kube/paths.ts';
import type { Artifact } from '../../host/host.ts';
import type { Finding } from '../../preflight/check.ts';
import type { EarlierJoin, JoinContext } from './context.ts';
import { clientCertificatePath } from '../init/kubelet-finalize.ts';
import { discover } from './discovery.ts';
import { joinJournalPath, parseJoinJournal, type JoinJournal } from './journal.ts';

/** An earlier join of the same node into the same cluster; looked for once a run. */
export function readEarlierJoin(ctx: JoinContext): Promise<EarlierJoin> {
  ctx.earlier ??= look(ctx);
  return ctx.earlier;
}

async function look(ctx: JoinContext): Promise<EarlierJoin> {
  const pem = clientCertificatePath(ctx.spec.node);
  const [files, wanted] = await Promise.all([
    ctx.host.readAll([joinJournalPath, paths.kubeletConf, pem]),
    wantedPins(ctx).then((pins) => new Set(pins)),
  ]);
  const journal = parseJoinJournal(files.get(joinJournalPath));
  const role = ctx.spec.controlPlane === undefined ? undefined : 'control-plane';
  const isSame =
    journal?.node === ctx.spec.node.name && journal.role === role && journal.pins.some((pin) => wanted.has(pin));
  if (!isSame) return { isSame: false, isJoined: false };
  const kubelet = files.get(paths.kubeletConf);
  // The kubelet writes its kubeconfig when it starts, and only later gets the certificate that this names.
  return { isSame, journal, isJoined: files.has(pem) && kubelet !== undefined && belongs(kubelet, wanted) };
}

/** The pins of the cluster's CA: as given, so that nothing waits for discovery, or as it was found. */
async function wantedPins(ctx: JoinContext): Promise<readonly string[]> {
  const { discovery } = ctx.spec;
  if (discovery.kind === 'token' && discovery.caCertHashes.length > 0) {
    return discovery.caCertHashes.map((hash) => hash.toLowerCase());
  }
  return caPins((await discover(ctx)).credentials.ca);
}

function belongs(kubeconfig: string, wanted: ReadonlySet<string>): boolean {
  try {
    return caPins(clientOf(kubeconfig, paths.kubeletConf).ca).some((pin) => wanted.has(pin));
  } catch {
    return false;
  }
}

/** Why a finding is no news on a host that this same join has worked on before. */
export function explainJoin(finding: Finding, earlier: EarlierJoin): string | undefined {
  if (!earlier.isSame || finding.about === undefined) return undefined;
  if (finding.about.kind === 'port') {
    return finding.about.isOwnComponent ? `${finding.about.component} of this node is running` : undefined;
  }
  return 'made by an earlier join of the same cluster';
}

/** The journal of this run: that of an earlier join of the same node goes on. */
export async function journalOf(ctx: JoinContext): Promise<JoinJournal> {
  if (ctx.journal === undefined) {
    const [{ journal }, { credentials }] = await Promise.all([readEarlierJoin(ctx), discover(ctx)]);
    ctx.journal ??= journal ?? {
      format: 1,
      node: ctx.spec.node.name,
      pins: caPins(credentials.ca),
      ...(ctx.spec.controlPlane === undefined ? {} : { role: 'control-plane' }),
    };
  }
  return ctx.journal;
}

/** The journal's file with more in it; from now on that is this run's journal. */
export async function journalArtifact(ctx: JoinContext, more: Partial<JoinJournal> = {}): Promise<Artifact> {
  ctx.journal = { ...(await journalOf(ctx)), ...more };
  return { path: joinJournalPath, mode: 0o600, body: `${JSON.stringify(ctx.journal, undefined, 2)}\n` };
}
