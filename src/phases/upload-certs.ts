// Phase upload-certs: the CA keys, encrypted, for control planes that join within two hours.
import { encrypt, decrypt } from '../certs/encrypt.ts';
import type { KubeObject } from '../cluster/types.ts';
import type { ClusterSpec } from '../config/spec.ts';
import { KbError } from '../errors.ts';
import { certsSecret, certsTokenSecret, kubeadmCertsRbac } from '../manifests/kubeadm-certs.ts';
import { fromBase64, toBase64 } from '../util/text.ts';
import type { Phase, PhaseOutcome } from '../workflow/phase.ts';
import { adminApi } from './admin.ts';
import { applyAll } from './apply.ts';
import { step, type InitContext } from './context.ts';
import { readExisting } from './existing.ts';

export const uploadCerts: Phase<InitContext> = {
  name: 'upload-certs',
  summary: 'Upload the certificates for joining control planes, encrypted',
  flags: ['config', 'kubeconfig', 'upload-certs', 'certificate-key', 'skip-certificate-key-print', 'dry-run'],
  skip: (ctx) => (ctx.settings.uploadCerts ? undefined : 'not asked for (--upload-certs)'),
  run: upload,
};

const secretRef = { apiVersion: 'v1', kind: 'Secret', namespace: 'kube-system', name: 'kubeadm-certs' };
const lifetimeSeconds = 2 * 60 * 60;

async function upload(ctx: InitContext): Promise<PhaseOutcome> {
  const api = await adminApi(ctx);
  const files = await sharedFiles(ctx);
  const rbac = applyAll(api, kubeadmCertsRbac());
  const existing = await api.get(secretRef);
  if (existing !== undefined && isStillGood(existing, files, ctx.spec.certificateKey)) {
    if (ctx.spec.certificateKey !== undefined) ctx.certificateKey = ctx.spec.certificateKey;
    step(ctx, 'upload-certs', 'the certificates uploaded earlier are still good');
    return rbac;
  }
  const key = ctx.spec.certificateKey ?? ctx.chance.bytes(32).toString('hex');
  const now = ctx.clock.now();
  // The Secret belongs to a token that expires: the garbage collector takes both (kubeadm).
  const token = certsTokenSecret({
    id: ctx.chance.tokenCharacters(6),
    secret: ctx.chance.tokenCharacters(16),
    expires: new Date(now.getTime() + lifetimeSeconds * 1000),
  });
  const { object: owner } = await api.apply(token);
  const values = Object.fromEntries(
    Object.entries(files).map(([name, body]) => [
      name,
      // A CA key that is not here (external CA) is an empty value, which joins skip.
      body === '' ? '' : toBase64(encrypt(Buffer.from(body), key, ctx.chance.bytes(12))),
    ]),
  );
  await api.apply(certsSecret(values, owner));
  await rbac;
  ctx.certificateKey = key;
  if (!ctx.settings.skipCertificateKeyPrint) ctx.print(`[upload-certs] Using certificate key:\n${key}\n`);
  return 'done';
}

/** What control planes share, by its key in the Secret (spec 04 §6.1). */
function sharedPaths(cluster: ClusterSpec): Readonly<Record<string, string>> {
  const folder = cluster.certificatesDir;
  const common = {
    'ca.crt': `${folder}/ca.crt`,
    'ca.key': `${folder}/ca.key`,
    'front-proxy-ca.crt': `${folder}/front-proxy-ca.crt`,
    'front-proxy-ca.key': `${folder}/front-proxy-ca.key`,
    'sa.pub': `${folder}/sa.pub`,
    'sa.key': `${folder}/sa.key`,
  };
  const { etcd } = cluster;
  if (etcd.kind === 'local') {
    return { ...common, 'etcd-ca.crt': `${folder}/etcd/ca.crt`, 'etcd-ca.key': `${folder}/etcd/ca.key` };
  }
  const external = {
    'external-etcd-ca.crt': etcd.caFile,
    'external-etcd.crt': etcd.certFile,
    'external-etcd.key': etcd.keyFile,
  };
  return { ...common, ...Object.fromEntries(Object.entries(external).filter(([, path]) => path !== '')) };
}

async function sharedFiles(ctx: InitContext): Promise<Readonly<Record<string, string>>> {
  const existing = await readExisting(ctx);
  const files = Object.entries(sharedPaths(ctx.spec.cluster)).map(
    ([name, path]) => [name, existing.get(path) ?? ''] as const,
  );
  const missing = files.filter(([name, body]) => body === '' && !name.endsWith('.key')).map(([name]) => name);
  if (missing.length > 0) {
    throw new KbError({
      code: 'KB_CERTS_MISSING',
      summary: 'there are no certificates to upload',
      host: ctx.host.name,
      detail: `${missing.join(', ')} not found under ${ctx.spec.cluster.certificatesDir}`,
      fix: 'run `kbinit init phase certs all` on the first control plane before uploading',
    });
  }
  return Object.fromEntries(files);
}

/**
 * Uploaded before and usable: with a key given it must open every value to what is on disk; without one the values
 * cannot be checked, and a Secret that still exists has not expired.
 */
function isStillGood(secret: KubeObject, files: Readonly<Record<string, string>>, key: string | undefined): boolean {
  if (key === undefined) return true;
  const data = secret['data'];
  if (typeof data !== 'object' || data === null) return false;
  const found = new Map<string, unknown>(Object.entries(data));
  return Object.entries(files).every(([name, body]) => {
    const value = found.get(name);
    if (typeof value !== 'string') return false;
    if (value === '' || body === '') return value === '' && body === '';
    try {
      return decrypt(fromBase64(value), key).toString('utf8') === body;
    } catch {
      return false;
    }
  });
}
