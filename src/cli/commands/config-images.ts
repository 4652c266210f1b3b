// What `config images list` and `config images pull` do.
import type { InitFlags } from '../../config/flags.ts';
import { completeInit } from '../../config/complete.ts';
import type { InitDraft } from '../../config/draft.ts';
import { loadInit, type Loaded } from '../../config/load.ts';
import { factsOfNoHost } from '../../config/no-host.ts';
import { formatWarning } from '../../config/report.ts';
import type { Host, HostFacts } from '../../host/host.ts';
import { KbError } from '../../errors.ts';
import { pullImage as pullCommand } from '../../host/runtime.ts';
import { controlPlaneImages } from '../../kube/images.ts';
import type { KubeVersion } from '../../kube/version.ts';
import { systemRandomSource } from '../../util/keygen.ts';
import { lookUpLabels } from './config-labels.ts';
import { warn } from './config-run.ts';
import { tellWarnings } from './init-run.ts';
import { printerOf, type OutputOptions } from '../output/printer.ts';
import { readInput } from '../run/prompt.ts';
import { withSession, type ConnectionOptions } from '../run/session.ts';

interface ImageOptions extends InitFlags, ConnectionOptions {
  readonly dryRun?: boolean;
  readonly config?: string;
}

async function load(options: ImageOptions): Promise<Loaded<InitDraft>> {
  const { config, featureGates, imageRepository, kubernetesVersion, criSocket } = options;
  const text = config === undefined ? undefined : readInput(config, 'config');
  // A file stands alone here, as with kubeadm: it says which images there are.
  const flags = text === undefined ? { featureGates, imageRepository, kubernetesVersion } : {};
  const labels = await lookUpLabels(text, flags.kubernetesVersion, warn);
  return loadInit(text, config ?? 'the command line', { ...flags, criSocket }, labels);
}

function imagesOf(draft: InitDraft, facts: HostFacts): readonly string[] {
  return controlPlaneImages(completeInit(draft, facts, systemRandomSource()).spec.cluster);
}

/** What a configuration file asks for. @throws KbError KB_CONFIG, KB_FILE */
export async function readWishes(
  config: string,
): Promise<{ readonly version: KubeVersion; readonly images: readonly string[] }> {
  const { draft } = await load({ config });
  const facts = factsOfNoHost(draft.cluster.networking.serviceSubnet);
  return {
    version: completeInit(draft, facts, systemRandomSource()).spec.cluster.version,
    images: imagesOf(draft, facts),
  };
}

/** `config images list`. @throws KbError KB_CONFIG, KB_OUTPUT */
export async function runImagesList(options: ImageOptions & OutputOptions): Promise<void> {
  const print = await printerOf(options);
  const { draft, warnings } = await load(options);
  for (const warning of warnings) warn(formatWarning(warning));
  const images = imagesOf(draft, factsOfNoHost(draft.cluster.networking.serviceSubnet));
  const object = { kind: 'Images', apiVersion: 'output.kubeadm.k8s.io/v1alpha3', images };
  process.stdout.write(print({ object, text: `${images.join('\n')}\n` }));
}

/** `config images pull`: by the runtime of the host. @throws ReportedError */
export async function runImagesPull(options: ImageOptions): Promise<void> {
  const { draft, warnings } = await load(options);
  await withSession('config images pull', options, 'write', async ({ host, reporter, print, signal }) => {
    tellWarnings(warnings, reporter, host.name);
    const facts = await host.facts();
    const { spec } = completeInit(draft, facts, systemRandomSource());
    for (const image of controlPlaneImages(spec.cluster)) {
      signal.throwIfAborted();
      await pullImage(host, spec.node.criSocket, image);
      if (options.dryRun !== true) print(`[config/images] Pulled ${image}\n`);
    }
  });
}

/** Have a host's runtime pull an image. @throws KbError KB_IMAGE_PULL */
export async function pullImage(host: Pick<Host, 'name' | 'run'>, socket: string, image: string): Promise<void> {
  const { code, stdout, stderr } = await host.run(pullCommand(socket, image), `pull ${image}`, {
    timeoutSeconds: 1800,
  });
  if (code !== 0) throw notPulled(host.name, image, stderr.trim() === '' ? stdout : stderr);
}

function notPulled(host: string, image: string, stderr: string): KbError {
  return new KbError({
    code: 'KB_IMAGE_PULL',
    summary: 'an image could not be pulled',
    host,
    detail: `${image}: ${stderr.trim().split('\n').at(-1) ?? ''}`,
    fix: 'check the name, the registry and the way there; or bring the image to the host and leave the pull out',
    evidence: stderr.trim().split('\n').slice(-8),
  });
}
