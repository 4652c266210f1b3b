// A finished control plane on a pretended disk: PKI and kubeconfigs.
import { ensureKubeconfigs } from '../../../src/kubeconfig/files.ts';
import { fixedRandomSource } from '../../fakes/keys.ts';
import { freshPki, now, onDisk, pkiDir, spec, type CertificateSpec } from '../certs/fixture.ts';

/** Every file of a first init, certificates and kubeconfigs. */
export async function controlPlane(from: CertificateSpec = spec(), start: Date = now): Promise<Map<string, string>> {
  const existing = await freshPki(from);
  const kubeconfigs = await ensureKubeconfigs({ ...from, existing, now: start, chance: fixedRandomSource() });
  return new Map([...existing, ...onDisk(kubeconfigs)]);
}

/** The disk with some files of the PKI, or others by full path, replaced or, where undefined, removed. */
export function changed(
  disk: ReadonlyMap<string, string>,
  changes: Readonly<Record<string, string | undefined>>,
): Map<string, string> {
  const copy = new Map(disk);
  for (const [name, text] of Object.entries(changes)) {
    const path = name.startsWith('/') ? name : `${pkiDir}/${name}`;
    if (text === undefined) copy.delete(path);
    else copy.set(path, text);
  }
  return copy;
}
