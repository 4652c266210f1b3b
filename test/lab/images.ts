/** Owns the images of the lab: what each is made of, as one archive a file, under the names kubeadm and flannel use. */
import { link, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { removeTree, stepDir, type Step } from './cache.ts';
import { coredns, etcd, flannel, cniFlannel, kubernetes, programs } from './go-build.ts';
import { packLayer, writeArchive, type Layer } from './oci-archive.ts';
import { debianImage } from './rootfs.ts';
import { imageNames, releaseSuffix } from './versions.ts';

interface ImageRecipe {
  readonly name: string;
  /** Programs by where they come from and where they lie in the image. */
  readonly programs: readonly (readonly [from: Step, program: string, path: string])[];
  readonly entrypoint?: readonly string[];
  /** Whether it needs Debian's programs beside its own: iptables and conntrack, or just cp. */
  readonly onDebian?: boolean;
}

const kubernetesImage = (name: string, program: string, onDebian = false): ImageRecipe => ({
  name,
  programs: [[kubernetes, program, `usr/local/bin/${program}`]],
  onDebian,
});

const recipes: readonly ImageRecipe[] = [
  kubernetesImage(imageNames.apiServer, 'kube-apiserver'),
  kubernetesImage(imageNames.controllerManager, 'kube-controller-manager'),
  kubernetesImage(imageNames.scheduler, 'kube-scheduler'),
  kubernetesImage(imageNames.proxy, 'kube-proxy', true),
  {
    name: imageNames.etcd,
    programs: ['etcd', 'etcdctl', 'etcdutl'].map((program) => [etcd, program, `usr/local/bin/${program}`] as const),
    entrypoint: ['/usr/local/bin/etcd'],
  },
  { name: imageNames.coredns, programs: [[coredns, 'coredns', 'coredns']], entrypoint: ['/coredns'] },
  { name: imageNames.pause, programs: [[programs, 'pause', 'pause']], entrypoint: ['/pause'] },
  {
    name: imageNames.flannel,
    programs: [[flannel, 'flanneld', 'opt/bin/flanneld']],
    entrypoint: ['/opt/bin/flanneld'],
    onDebian: true,
  },
  // Its container runs `cp -f /flannel …`: Debian's cp costs nothing, the layer is kube-proxy's.
  { name: imageNames.flannelCniPlugin, programs: [[cniFlannel, 'flannel', 'flannel']], onDebian: true },
  { name: imageNames.netcheck, programs: [[programs, 'netcheck', 'netcheck']], entrypoint: ['/netcheck'] },
];

/** Every image as an archive. */
export const imageArchives: Step = {
  name: `image-archives${releaseSuffix}`,
  inputs: [JSON.stringify(recipes.map((recipe) => ({ ...recipe, programs: recipe.programs.map(([, ...to]) => to) })))],
  needs: [kubernetes, etcd, coredns, flannel, cniFlannel, programs, debianImage],
  lane: 'disk',
  build: buildArchives,
};

/** The archives of all images on this machine. */
export function allArchives(): string[] {
  return recipes.map(({ name }) => join(stepDir(imageArchives), archiveName(name)));
}

function archiveName(image: string): string {
  return `${image.replaceAll(/[/:]/g, '_')}.tar`;
}

async function buildArchives(dir: string): Promise<void> {
  const work = join(dir, 'work');
  await mkdir(work);
  const debian = await packLayer(stepDir(debianImage), work, 'kept');
  await Promise.all(recipes.map((recipe, i) => buildArchive(recipe, debian, join(work, `${i}`), dir)));
  await removeTree(work);
}

async function buildArchive(recipe: ImageRecipe, debian: Layer, work: string, dir: string): Promise<void> {
  const content = join(work, 'content');
  for (const [from, program, path] of recipe.programs) {
    await mkdir(dirname(join(content, path)), { recursive: true });
    await link(join(stepDir(from), program), join(content, path));
  }
  const own = await packLayer(content, work, 'root');
  const layers = recipe.onDebian ? [debian, own] : [own];
  await writeArchive({ ...recipe, layers }, join(work, 'layout'), join(dir, archiveName(recipe.name)));
}
