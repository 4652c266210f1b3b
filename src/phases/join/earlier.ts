// What an earlier join on this host means for this one.
import { clientOf } from '../../kubeconfig/kubeconfig.ts';
import { paths } from '../../kube/paths.ts';
import type { Finding } from '../../preflight/check.ts';
import { caPins } from '../../certs/pin.ts';
import { isJsonObject, parseJson } from '../../util/json.ts';
import type { JoinContext } from '../context.ts';

/** kbinit's own mark that a join began here: which cluster, which name. */
export const joinJournalPath: string = `${paths.state}/journal/join.json`;

export interface EarlierJoin {
  /** A join of the same cluster and node name began here. */
  readonly isSame: boolean;
  /** The kubelet has its own credentials for that cluster already. */
  readonly isJoined: boolean;
}

export interface JoinJournal {
  readonly format: 1;
  readonly node: string;
  /** The CA's pins: they name the cluster. */
  readonly pins: readonly string[];
}

/** An earlier join of the same node into the same cluster; looked for once a run. */
export function readEarlierJoin(ctx: JoinContext): Promise<EarlierJoin> {
  ctx.earlier ??= look(ctx);
  return ctx.earlier;
}

async function look(ctx: JoinContext): Promise<EarlierJoin> {
  const files = await ctx.host.readAll([joinJournalPath, paths.kubeletConf, ctx.spec.caCertPath]);
  const journal = parseJson(files.get(joinJournalPath), isJournal);
  const { discovery } = ctx.spec;
  const wanted = new Set(discovery.kind === 'token' ? discovery.caCertHashes : []);
  const isSame =
    journal !== undefined && journal.node === ctx.spec.node.name && journal.pins.some((pin) => wanted.has(pin));
  const kubelet = files.get(paths.kubeletConf);
  return { isSame, isJoined: isSame && kubelet !== undefined && belongs(kubelet, wanted) };
}

function belongs(kubeconfig: string, wanted: ReadonlySet<string>): boolean {
  try {
    return caPins(clientOf(kubeconfig, paths.kubeletConf).ca).some((pin) => wanted.has(pin));
  } catch {
    return false;
  }
}

function isJournal(value: unknown): value is JoinJournal {
  return (
    isJsonObject(value) && value['format'] === 1 && typeof value['node'] === 'string' && Array.isArray(value['pins'])
  );
}

/** Why a finding is no news on a host that this same join has worked on before. */
export function explainJoin(finding: Finding, earlier: EarlierJoin): string | undefined {
  if (!earlier.isSame || finding.about === undefined) return undefined;
  if (finding.about.kind === 'port') {
    return finding.about.isOwnComponent ? `${finding.about.component} of this node is running` : undefined;
  }
  return 'made by an earlier join of the same cluster';
}
