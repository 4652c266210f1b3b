// What `kbinit bundle verify` does: judge all of a bundle, print a table, fail with everything that was found.
import { KbError } from '../../errors.ts';
import { lockedFiles, type BundleLock } from '../../bundle/lock.ts';
import { bundleProblems, verifyBundle, type BundleReport, type Finding } from '../../bundle/verify.ts';
import { readAskedVersion } from '../../prepare/flags.ts';
import { formatVersion } from '../../kube/version.ts';
import { columnsFor } from '../../report/columns.ts';
import { columns } from '../../util/columns.ts';
import { count, mebibytes } from '../../util/text.ts';
import { readWishes } from './config-images.ts';
import { printerOf, type Answer, type OutputOptions } from '../output/printer.ts';

export interface VerifyOptions extends OutputOptions {
  readonly kubernetesVersion?: string;
  readonly config?: string;
}

/** Verify. @throws KbError KB_BUNDLE with every finding */
export async function runBundleVerify(folder: string, options: VerifyOptions): Promise<void> {
  const print = await printerOf(options);
  const asked = options.kubernetesVersion === undefined ? undefined : readAskedVersion(options.kubernetesVersion);
  const wishes = options.config === undefined ? undefined : await readWishes(options.config);
  const report = await verifyBundle(folder);
  const findings = [
    ...[asked, wishes?.version].flatMap((wanted) => otherVersion(report.lock, wanted && formatVersion(wanted))),
    ...otherImages(report.lock, wishes?.images ?? []),
    ...report.findings,
  ];
  process.stdout.write(print(bundleAnswer({ ...report, findings })));
  if (findings.length > 0) throw new KbError(bundleProblems(folder, findings));
}

function otherVersion({ kubernetesVersion }: BundleLock, wanted: string | undefined): readonly Finding[] {
  if (wanted === undefined || wanted === kubernetesVersion) return [];
  return [{ text: `is for ${kubernetesVersion}, ${wanted} is asked for` }];
}

/** A row a file and a row an image; the object has the lock too. */
function bundleAnswer({ lock, findings }: BundleReport): Answer {
  const result = (path: string): string =>
    findings
      .filter((finding) => finding.path === path)
      .map(({ text }) => text)
      .join('; ') || 'ok';
  const known = new Set(lockedFiles(lock).map(({ path }) => path));
  const files = [
    ...lock.binaries.map(({ path, size, version }) => [path, version ?? '-', mebibytes(size), result(path)]),
    ...lock.packages.map(({ path, size, version }) => [path, version, mebibytes(size), result(path)]),
    ...lock.archives.map(({ path, size }) => [path, '-', mebibytes(size), result(path)]),
    ...findings.flatMap(({ path, text }) => (path === undefined || known.has(path) ? [] : [[path, '-', '-', text]])),
  ];
  const images = lock.images.map(({ name, digest, archive }) => [name, digest, archive]);
  const whole = findings.flatMap(({ path, text }) => (path === undefined ? [`The bundle ${text}.\n`] : []));
  const size = lockedFiles(lock).reduce((sum, file) => sum + file.size, 0);
  const head = `Kubernetes ${lock.kubernetesVersion} for linux/${lock.architecture}: ${count(known.size, 'file')}, ${count(images.length, 'image')}, ${mebibytes(size)}\n`;
  const screen = columnsFor(process.stdout, process.env);
  return {
    object: { kind: 'BundleReport', isGood: findings.length === 0, findings, lock },
    text: `${head}\n${columns([['FILE', 'VERSION', 'SIZE', 'RESULT'], ...files], screen)}\n${columns([['IMAGE', 'DIGEST', 'ARCHIVE'], ...images], screen)}${whole.length === 0 ? '' : `\n${whole.join('')}`}`,
  };
}

/** A cluster's own registry or tags. */
function otherImages({ images }: BundleLock, wanted: readonly string[]): readonly Finding[] {
  const missing = wanted.filter((name) => images.every((image) => image.name !== name));
  return missing.length === 0 ? [] : [{ text: `lacks images that the configuration asks for: ${missing.join(', ')}` }];
}
