// What `kbinit certs …` does: read the files, let the pure part judge and make, write.
import type { HostView } from '../../host/host.ts';
import { containerdSocket } from '../../host/runtime.ts';
import { expirationDocument, expirationTable, expirationWarnings } from '../../certs/expiration.ts';
import { certificateRequests, requestsInTheWay } from '../../certs/requests.ts';
import { completeInit } from '../../config/complete.ts';
import { KbError } from '../../errors.ts';
import { paths } from '../../kube/paths.ts';
import { kubeconfigRequests } from '../../kubeconfig/requests.ts';
import { renew, type Renewal } from '../../kubeconfig/renew.ts';
import { expirations, renewablePaths } from '../../kubeconfig/expirations.ts';
import { terminalColumns } from '../../report/columns.ts';
import { systemRandomSource } from '../../util/keygen.ts';
import { count } from '../../util/text.ts';
import { certsConfig, offlineConfig, type CertsConfigOptions } from './certs-config.ts';
import { printerOf, type OutputOptions } from '../output/printer.ts';
import { withSession, type ConnectionOptions, type Session } from '../run/session.ts';

export interface CheckExpirationOptions extends CertsConfigOptions, OutputOptions {}

export interface RenewOptions extends CertsConfigOptions {
  readonly dryRun?: boolean;
}

export interface GenerateCsrOptions extends ConnectionOptions {
  readonly config?: string;
  readonly certDir?: string;
  readonly kubeconfigDir?: string;
  readonly dryRun?: boolean;
}

/** Print when everything ends. @throws ReportedError */
export async function runCheckExpiration(options: CheckExpirationOptions): Promise<void> {
  const print = await printerOf(options);
  await withSession('certs check-expiration', options, 'read', async (session) => {
    const { cluster } = await certsConfig(session, options);
    const existing = await session.host.readAll(renewablePaths(cluster));
    const now = new Date();
    const found = expirations({ cluster, existing, now });
    for (const text of expirationWarnings(found, now)) warn(session, text);
    const screen = terminalColumns(process.stdout, process.env);
    session.print(print({ object: expirationDocument(found, now), text: expirationTable(found, now, screen) }));
  });
}

/** Renew what is named. @throws ReportedError */
export async function runRenew(options: RenewOptions, what: string, only: readonly string[]): Promise<void> {
  await withSession(`certs renew ${what}`, options, 'write', async (session) => {
    const { cluster, isConfigured } = await certsConfig(session, options);
    const existing = await session.host.readAll(renewablePaths(cluster));
    const chance = systemRandomSource();
    const done = await renew({ cluster, existing, only, chance, now: session.startedAt, isConfigured });
    for (const text of done.warnings) warn(session, text);
    // One batch: every new file is on the disk before the first one is put in its place.
    await session.host.write(done.artifacts);
    if (options.dryRun === true) return;
    for (const renewal of done.renewals) session.print(`${sentence(renewal)}\n`);
    if (done.artifacts.length === 0) return;
    session.print(`\n${restartNote}\n`);
  });
}

const restartNote =
  'Components read their certificates when they start: restart kube-apiserver, kube-controller-manager, kube-scheduler\n' +
  'and etcd on this host, one control plane after another. Copies of admin.conf elsewhere hold the old certificate.';

function sentence({ item, outcome, notAfter }: Renewal): string {
  if (outcome === 'missing') return `MISSING! ${item.name}: ${item.title}`;
  if (outcome === 'external') return `${item.name} not renewed: the key of ${item.signer} is kept elsewhere`;
  return `${item.name} renewed, valid until ${notAfter?.toISOString() ?? ''}`;
}

/** Write keys and requests of everything an external CA has to sign. @throws ReportedError */
export async function runGenerateCsr(options: GenerateCsrOptions): Promise<void> {
  await withSession('certs generate-csr', options, 'write', async (session) => {
    const { draft } = offlineConfig(session, options);
    const chance = systemRandomSource();
    // A request has nothing to do with the container runtime: it is not looked for.
    const node = { ...draft.node, criSocket: draft.node.criSocket ?? containerdSocket };
    const facts = await session.host.facts();
    const reached = { reachedAddress: session.reachedAddress };
    const { spec } = completeInit({ ...draft, node }, facts, chance, reached);
    const folder = options.kubeconfigDir ?? paths.kubernetes;
    const requests = [
      ...(await certificateRequests({ ...spec, chance })),
      ...(await kubeconfigRequests({ ...spec, chance }, folder)),
    ];
    const artifacts = requests.flatMap((request) => request.artifacts);
    const inTheWay = await session.host.readAll(artifacts.map(({ path }) => path));
    if (inTheWay.size > 0) throw new KbError(requestsInTheWay([...inTheWay.keys()]));
    const { certificatesDir, etcd } = spec.cluster;
    const folders = [certificatesDir, ...(etcd.kind === 'local' ? [`${certificatesDir}/etcd`] : []), folder];
    await session.host.write(
      artifacts,
      folders.map((path) => ({ path, mode: 0o755 })),
    );
    if (options.dryRun === true) return;
    session.print(`${count(requests.length, 'key')} and as many requests in ${certificatesDir} and ${folder}:\n`);
    for (const { name } of requests) session.print(`  ${name}\n`);
  });
}

/** Print a key for the uploaded certificates: 32 bytes in hexadecimal (spec 04 §6.3). */
export function printCertificateKey(): void {
  process.stdout.write(`${systemRandomSource().bytes(32).toString('hex')}\n`);
}

function warn(session: Pick<Session<HostView>, 'reporter' | 'host'>, text: string): void {
  session.reporter.emit({ kind: 'warning', host: session.host.name, text });
}
