// What `config print`, `config migrate` and `config validate` do.
import { hostname } from 'node:os';
import { writeFileSync } from 'node:fs';
import type { ConfigWarning } from '../../config/draft.ts';
import { loadFile } from '../../config/load-file.ts';
import { migrate } from '../../config/migrate.ts';
import { componentKinds, initDefaults, joinDefaults, resetDefaults, upgradeDefaults } from '../../config/print.ts';
import { configProblem, formatWarning } from '../../config/report.ts';
import { validateFile } from '../../config/validate-file.ts';
import { readVersion } from '../../config/version.ts';
import { KbError } from '../../errors.ts';
import type { HostFacts } from '../../host/host.ts';
import { newestVersion } from '../../kube/releases.ts';
import type { KubeVersion } from '../../kube/version.ts';
import { systemRandomSource } from '../../util/keygen.ts';
import { writeYaml } from '../../util/yaml.ts';
import { lookUpLabels } from './config-labels.ts';
import { readInput } from '../run/prompt.ts';
import type { ConnectionOptions } from '../run/session.ts';
import { printable, visible } from '../../util/invisible.ts';

/** Documents as kubeadm prints them: one after the other, without a line of dashes before the first. */
function print(documents: readonly unknown[]): void {
  process.stdout.write(documents.map(writeYaml).join('---\n'));
}

/** One line on standard error: these commands have no run to show. */
export function warn(message: string): void {
  process.stderr.write(`warning: ${printable(visible(message))}\n`);
}

function warnAll(warnings: readonly ConfigWarning[]): void {
  for (const warning of warnings) warn(formatWarning(warning));
}

/** The file that a flag must name. @throws KbError KB_CONFIG, KB_FILE */
function mandatory(path: string | undefined, flag: string): Buffer {
  if (path !== undefined && path !== '') return readInput(path, flag);
  throw new KbError(configProblem(`the --${flag} flag is mandatory`, `give --${flag}=FILE`));
}

interface PrintOptions {
  readonly componentConfigs?: readonly string[];
  readonly kubernetesVersion?: string;
}

/** `config print …-defaults`: what kubeadm of the version prints. @throws KbError KB_CONFIG */
export async function runPrint(action: 'init' | 'join' | 'reset' | 'upgrade', options: PrintOptions): Promise<void> {
  const kinds = options.componentConfigs ?? [];
  const components = componentKinds.filter((kind) => kinds.includes(kind));
  if (kinds.some((kind) => !componentKinds.some((known) => known === kind))) {
    const fix = `name some of ${componentKinds.join(', ')}`;
    throw new KbError(configProblem(`--component-configs: ${kinds.join(', ')} is not all known`, fix));
  }
  const version = await versionOf(options.kubernetesVersion);
  switch (action) {
    case 'init':
      return print(initDefaults(version, components));
    case 'join':
      return print(joinDefaults(version, hostname().trim().toLowerCase()));
    case 'reset':
      return print(resetDefaults());
    case 'upgrade':
      return print(upgradeDefaults());
    default:
      return action satisfies never;
  }
}

async function versionOf(text: string | undefined): Promise<KubeVersion> {
  if (text === undefined || text === '') return newestVersion();
  const read = readVersion(text, await lookUpLabels(undefined, text, warn));
  if ('major' in read) return read;
  throw new KbError(configProblem(`--kubernetes-version: ${read.message}`, read.fix));
}

interface MigrateOptions extends ConnectionOptions {
  readonly oldConfig?: string;
  readonly newConfig?: string;
}

/** `config migrate`: what the host decides is taken from the host (this one, or --host's). @throws KbError */
export async function runMigrate(options: MigrateOptions): Promise<void> {
  const text = mandatory(options.oldConfig, 'old-config');
  const source = options.oldConfig ?? '';
  const { draft } = loadFile(text, source, await lookUpLabels(text, undefined, warn));
  const facts = await factsOf(options);
  const { documents, warnings } = migrate(draft, facts, systemRandomSource(), { reachedAddress: options.host });
  warnAll(warnings);
  if (options.newConfig === undefined || options.newConfig === '') print(documents);
  else writeNew(options.newConfig, documents.map(writeYaml).join('---\n'));
}

function writeNew(path: string, text: string): void {
  try {
    // The mode of kubeadm's; a file that is there keeps its own.
    writeFileSync(path, text, { mode: 0o644 });
  } catch (error) {
    throw new KbError({
      code: 'KB_FILE',
      summary: 'the file given with --new-config cannot be written',
      detail: error instanceof Error ? error.message : String(error),
      fix: 'check the path and its permissions',
    });
  }
}

/** What a host says about itself, without a run being shown for it. */
async function factsOf(options: ConnectionOptions): Promise<HostFacts> {
  if (options.host !== undefined) {
    const { withSession } = await import('../run/session.ts');
    let facts: HostFacts | undefined;
    await withSession('config migrate', options, 'read', async ({ host }) => {
      facts = await host.facts();
    });
    if (facts === undefined) throw new Error('a session that ends well without its facts');
    return facts;
  }
  const [{ localTransport }, { openHost }] = await Promise.all([
    import('../../host/local.ts'),
    import('../../host/remote.ts'),
  ]);
  const name = hostname();
  const transport = localTransport(name);
  try {
    return await openHost(transport, { name, reporter: { emit: () => undefined } }).facts();
  } finally {
    await transport.close();
  }
}

interface ValidateOptions {
  readonly config?: string;
  readonly allowDeprecatedApi?: boolean;
}

/** `config validate`: no host is looked at, this one neither. @throws KbError with every problem */
export async function runValidate(options: ValidateOptions): Promise<void> {
  const text = mandatory(options.config, 'config');
  const labels = await lookUpLabels(text, undefined, warn);
  const warnings = validateFile(text, options.config ?? '', systemRandomSource(), labels);
  const isWanted = ({ isDeprecation }: ConfigWarning): boolean =>
    isDeprecation !== true || options.allowDeprecatedApi !== true;
  warnAll(warnings.filter(isWanted));
  process.stdout.write('ok\n');
}
