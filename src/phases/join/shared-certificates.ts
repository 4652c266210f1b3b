// The keys that all control planes share, on their way to one more: from the cluster's Secret, or from another host.
import { decrypt } from '../../certs/encrypt.ts';
import { caPins } from '../../certs/pin.ts';
import { sharedFiles, type SharedFile } from '../../certs/shared.ts';
import { KbError } from '../../errors.ts';
import type { Artifact } from '../../host/host.ts';
import { isJsonObject } from '../../util/json.ts';
import { fromBase64 } from '../../util/text.ts';
import type { ControlPlaneContext } from '../context.ts';
import type { JoinContext } from './context.ts';
import { readExisting } from '../init/existing.ts';
import { certsSecretRef } from '../init/upload-certs.ts';
import { discover } from './discovery.ts';

/**
 * What is to be written of the shared files; nothing where the user has put them on the host.
 * @throws KbError KB_CERTS_EXPIRED, KB_CERTIFICATE_KEY, KB_CERTS_MISSING, KB_OTHER_CLUSTER
 */
export async function fetchShared(
  ctx: JoinContext,
  node: ControlPlaneContext,
  isOurs: (path: string) => boolean,
): Promise<readonly Artifact[]> {
  const files = sharedFiles(node.spec.cluster);
  const key = ctx.spec.controlPlane?.certificateKey;
  const texts = await (ctx.settings.copyFrom === undefined
    ? key === undefined
      ? new Map<string, string>()
      : download(ctx, files, key)
    : copy(ctx, files, ctx.settings.copyFrom));
  const existing = await readExisting(node);
  for (const { path } of files) {
    assertNotAnothers(ctx, { path, isOurs, existing: existing.get(path), text: texts.get(path) });
  }
  return files.flatMap(({ path, mode, isKey }): readonly Artifact[] => {
    const body = texts.get(path);
    if (body === undefined) return [];
    const isThere = existing.get(path) === body;
    return [{ path, mode, body, ...(isKey && { secret: true }), ...(isThere && { isKept: true }) }];
  });
}

/** By path, from the Secret; the token of a joining node may read it (spec 04 §6.2). */
async function download(
  ctx: JoinContext,
  files: readonly SharedFile[],
  certificateKey: string,
): Promise<ReadonlyMap<string, string>> {
  const { api } = await discover(ctx);
  const secret = await api.get(certsSecretRef);
  const data = secret?.['data'];
  if (!isJsonObject(data)) throw expired(ctx);
  return decryptShared(data, files, certificateKey);
}

/**
 * The files in the Secret's data, by path. A value that is empty was not on the host that uploaded it: the key of a CA
 * that is kept elsewhere. @throws KbError KB_CERTIFICATE_KEY, KB_CERTS_EXPIRED
 */
export function decryptShared(
  data: Readonly<Record<string, unknown>>,
  files: readonly SharedFile[],
  certificateKey: string,
): ReadonlyMap<string, string> {
  const missing = files.filter(({ name }) => typeof data[name] !== 'string').map(({ name }) => name);
  if (missing.length > 0) {
    throw new KbError({
      code: 'KB_CERTS_MISSING',
      summary: 'the uploaded certificates are not complete',
      detail: `the Secret kube-system/kubeadm-certs has no ${missing.join(', ')}`,
      fix: uploadAgain,
    });
  }
  return new Map(
    files.flatMap(({ name, path }): readonly [string, string][] => {
      const value = data[name];
      if (typeof value !== 'string' || value === '') return [];
      return [[path, decrypt(fromBase64(value), certificateKey).toString('utf8')]];
    }),
  );
}

/** By path, from another control plane: from host to host through this process's memory, onto no other disk. */
async function copy(
  ctx: JoinContext,
  files: readonly SharedFile[],
  from: NonNullable<JoinContext['settings']['copyFrom']>,
): Promise<ReadonlyMap<string, string>> {
  const [source, { credentials }] = await Promise.all([from(), discover(ctx)]);
  const texts = await source.readAll(files.map(({ path }) => path));
  const missing = files.filter(({ path, isKey }) => !isKey && !texts.has(path));
  if (missing.length > 0) {
    throw new KbError({
      code: 'KB_CERTS_MISSING',
      summary: `${source.name} has no certificates to copy`,
      host: source.name,
      detail: `${missing.map(({ path }) => path).join(', ')} not found there`,
      fix: 'name a control plane of this cluster with --copy-certs-from',
    });
  }
  const ca = texts.get(files[0]?.path ?? '') ?? '';
  const wanted = new Set(caPins(credentials.ca));
  if (!caPins(ca).some((pin) => wanted.has(pin))) {
    throw new KbError({
      code: 'KB_OTHER_CLUSTER',
      summary: `${source.name} belongs to another cluster`,
      host: source.name,
      detail: `${files[0]?.path ?? ''} on ${source.name} is not the CA of ${credentials.server}`,
      fix: 'name a control plane of the cluster that is joined with --copy-certs-from',
    });
  }
  return texts;
}

/** A file that somebody else put there is not overwritten: it may be all that is left of another cluster. */
function assertNotAnothers(
  ctx: JoinContext,
  file: {
    readonly path: string;
    readonly existing: string | undefined;
    readonly text: string | undefined;
    readonly isOurs: (path: string) => boolean;
  },
): void {
  const { path, existing, text } = file;
  if (existing === undefined || text === undefined || existing === text || file.isOurs(path)) return;
  throw new KbError({
    code: 'KB_OTHER_CLUSTER',
    summary: 'this host has keys of another cluster',
    host: ctx.host.name,
    detail: `${path} exists and is not what the control planes of this cluster share`,
    fix: `\`kbinit reset\` this host when its cluster is no longer needed, or move ${path} away`,
  });
}

/** Files that a control plane cannot do without and that are not on this host. A CA's key may be kept elsewhere. */
export function missingShared(
  node: Pick<ControlPlaneContext, 'spec'>,
  existing: ReadonlyMap<string, string>,
): readonly string[] {
  const { cluster } = node.spec;
  const isExternalEtcd = (name: string): boolean => name.startsWith('external-etcd');
  return sharedFiles(cluster)
    .filter(({ name, isKey }) => !isExternalEtcd(name) && (!isKey || name === 'sa.key'))
    .map(({ path }) => path)
    .filter((path) => !existing.has(path));
}

/** What a user does who has neither a certificate key nor another control plane to copy from. */
export function certificatesMissing(node: ControlPlaneContext, missing: readonly string[]): KbError {
  return new KbError({
    code: 'KB_CERTS_MISSING',
    summary: 'the keys that control planes share are not on this host',
    host: node.host.name,
    detail: `${missing.join(', ')} not found, and neither --certificate-key nor --copy-certs-from is given`,
    fix: 'join with --certificate-key (from `kbinit init phase upload-certs --upload-certs --host root@CONTROL_PLANE`) or --copy-certs-from [user@]HOST, or copy the files from another control plane',
  });
}

const uploadAgain =
  'upload them again with `kbinit init phase upload-certs --upload-certs --host root@CONTROL_PLANE`, and join with the key it prints';

function expired(ctx: JoinContext): KbError {
  return new KbError({
    code: 'KB_CERTS_EXPIRED',
    summary: 'the uploaded certificates have expired',
    host: ctx.host.name,
    detail:
      'the cluster has no Secret kube-system/kubeadm-certs: it is deleted two hours after its upload, or was never made',
    fix: `${uploadAgain}; or copy them from a control plane with --copy-certs-from [user@]HOST`,
  });
}
