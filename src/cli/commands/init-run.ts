// What `kbinit init` does: read the configuration, complete it with what the host tells, run the phases.
import { assertNotMixed, type InitFlags } from '../../config/flags.ts';
import { completeInit } from '../../config/complete.ts';
import type { InitDraft, ConfigWarning } from '../../config/draft.ts';
import { factsOfNoHost } from '../../config/no-host.ts';
import { loadInit } from '../../config/load.ts';
import { pkiKeyAlgorithm } from '../../certs/keys.ts';
import { certificatePhaseNames } from '../../certs/plan.ts';
import { KbError } from '../../errors.ts';
import type { HostView } from '../../host/host.ts';
import { sh } from '../../host/shell.ts';
import { kubeconfigFileNames } from '../../kubeconfig/files.ts';
import { paths } from '../../kube/paths.ts';
import { newestVersion } from '../../kube/releases.ts';
import { initPhases } from '../../phases/index.ts';
import type { FlannelBackend } from '../../manifests/flannel.ts';
import type { InitContext, InitSettings } from '../../phases/context.ts';
import type { Reporter } from '../../report/events.ts';
import { KeyPool, systemRandomSource, systemClock } from '../../util/keygen.ts';
import { selectPhases } from '../../workflow/select.ts';
import { checkedPrinter } from '../run/checked.ts';
import { lookUpLabels } from './config-labels.ts';
import { ownFlags } from '../flags.ts';
import type { OutputOptions } from '../output/printer.ts';
import { readInput, readSecretFile } from '../run/prompt.ts';
import { noticeOf, withSession, type ConnectionOptions, type Session } from '../run/session.ts';
import { runWorkflow } from '../run/workflow.ts';

/** What commander parses for init and its phases. */
export interface InitOptions extends InitFlags, ConnectionOptions, OutputOptions {
  readonly dryRun?: boolean;
  readonly config?: string;
  readonly tokenFile?: string;
  readonly certificateKeyFile?: string;
  readonly uploadCerts?: boolean;
  readonly skipTokenPrint?: boolean;
  readonly skipCertificateKeyPrint?: boolean;
  readonly printManifest?: boolean;
  readonly kubeconfig?: string;
  readonly kubeconfigDir?: string;
  readonly cni?: 'flannel' | 'none';
  readonly backend?: FlannelBackend;
}

/** Run init, or one phase of it. @throws KbError for bad input, ReportedError for a failed run */
export async function runInit(options: InitOptions, changed: readonly string[], only?: string): Promise<void> {
  if (options.config !== undefined) assertNotMixed(changed, ownFlags);
  // Bad input is refused before any host is asked.
  const text = options.config === undefined ? undefined : readInput(options.config, 'config');
  const notes: ConfigWarning[] = [];
  const labels = await lookUpLabels(text, options.kubernetesVersion, (message) => {
    notes.push({ message, isStrict: false });
  });
  const { draft, warnings } = loadInit(
    text,
    options.config ?? 'the command line',
    {
      ...options,
      ...(options.tokenFile === undefined ? {} : { token: readSecretFile(options.tokenFile, 'token-file') }),
      ...(options.certificateKeyFile === undefined
        ? {}
        : { certificateKey: readSecretFile(options.certificateKeyFile, 'certificate-key-file') }),
    },
    labels,
  );
  judgeInit(draft, options, only);
  const isDryRun = options.dryRun ?? draft.isDryRun;
  const checked = only === 'preflight' ? await checkedPrinter(options) : undefined;
  const pool = new KeyPool();
  // Keys are made while the host is looked at; a second run, which needs none, is not worth slowing the first.
  if (only === undefined || only === 'certs') pool.warm(pkiKeyAlgorithm(draft.cluster), keysOfFirstInit(draft, only));
  const command = only === undefined ? 'init' : `init phase ${only.replace('/', ' ')}`;
  const work = async (session: Session): Promise<void> => {
    tellWarnings([...notes, ...warnings], session.reporter, session.host.name);
    const ctx = await initContext(session, { ...draft, isDryRun }, options, pool);
    const settings: InitSettings = only === undefined ? ctx.settings : { ...ctx.settings, isPhaseAlone: true };
    await runWorkflow(initPhases, { ...ctx, ...checked, settings }, only).finally(() => checked?.show(session));
  };
  const isPrinted = options.printManifest === true || (options.output ?? 'text') !== 'text';
  const run = { ...options, dryRun: isDryRun, hasPlan: !isPrinted };
  await withSession(command, run, 'write', work, noticeOf(only)).finally(() => pool.close());
}

/** Refuse what no host could make good. @throws KbError */
function judgeInit(draft: InitDraft, { cni }: InitOptions, only: string | undefined): void {
  const { networking } = draft.cluster;
  const facts = factsOfNoHost(networking.serviceSubnet, [draft.localAPIEndpoint.advertiseAddress]);
  completeInit(draft, facts, systemRandomSource());
  selectPhases(initPhases, { ...(only === undefined ? {} : { only }), skip: draft.skipPhases });
  if (cni !== undefined && cni !== 'none' && networking.podSubnet === '') throw networkNeedsSubnet();
}

/** One key pair a certificate, the service accounts' and one a kubeconfig; external etcd brings its own. */
function keysOfFirstInit(draft: InitDraft, only: string | undefined): number {
  const isOurs = (name: string): boolean => draft.cluster.etcd.kind === 'local' || !name.includes('etcd');
  const certificates = certificatePhaseNames.filter(({ name }) => isOurs(name)).length;
  return certificates + (only === undefined ? kubeconfigFileNames(draft.cluster.version ?? newestVersion()).length : 0);
}

/** Show what the loader noticed. */
export function tellWarnings(warnings: readonly ConfigWarning[], reporter: Reporter, host: string): void {
  for (const { message, source, line, path } of warnings) {
    const where = [source, line === undefined ? undefined : `line ${line}`, path].filter((part) => part !== undefined);
    reporter.emit({ kind: 'warning', host, text: where.length === 0 ? message : `${where.join(', ')}: ${message}` });
  }
}

async function initContext(
  session: Session,
  draft: InitDraft,
  options: InitOptions,
  pool: KeyPool,
): Promise<InitContext> {
  const chance = systemRandomSource(pool);
  const [facts, patches] = await Promise.all([session.host.facts(), readPatches(session.host, draft.patchesDirectory)]);
  const { spec, warnings } = completeInit(draft, facts, chance, { reachedAddress: session.reachedAddress });
  tellWarnings(warnings, session.reporter, session.host.name);
  const settings: InitSettings = {
    uploadCerts: options.uploadCerts === true,
    skipTokenPrint: options.skipTokenPrint === true,
    skipCertificateKeyPrint: options.skipCertificateKeyPrint === true,
    printManifest: options.printManifest === true,
    kubeconfig: options.kubeconfig ?? paths.adminConf,
    kubeconfigDir: options.kubeconfigDir ?? paths.kubernetes,
    patches,
    ...(options.cni === undefined || options.cni === 'none' ? {} : { cni: options.cni }),
    flannelBackend: options.backend ?? 'vxlan',
  };
  return {
    ...session,
    chance,
    clock: systemClock,
    ignorePreflightErrors: new Set(spec.node.ignorePreflightErrors.map((name) => name.toLowerCase())),
    spec,
    settings,
    tokens: [],
  };
}

function networkNeedsSubnet(): KbError {
  return new KbError({
    code: 'KB_CONFIG',
    summary: 'a Pod network needs addresses for Pods',
    detail: '--cni is given, but no Pod subnet is',
    fix: 'add --pod-network-cidr=10.244.0.0/16 (or networking.podSubnet in the configuration file)',
  });
}

/** The files of the patches folder on the host. */
export async function readPatches(host: HostView, folder: string | undefined): Promise<InitSettings['patches']> {
  if (folder === undefined) return [];
  const { code, stdout } = await host.probe(
    sh`[ -d ${folder} ] && [ ! -L ${folder} ] && find ${folder} -type f | LC_ALL=C sort`,
  );
  if (code !== 0) {
    throw new KbError({
      code: 'KB_PATCHES',
      summary: 'the patches folder is not there',
      host: host.name,
      detail: `${folder} is not a folder on ${host.name}`,
      fix: 'put the patches on the host that is set up, or correct --patches',
    });
  }
  const files = await host.readAll(stdout.split('\n').filter((line) => line !== ''));
  return [...files].map(([path, text]) => ({ path, text }));
}
