// Phase upload-certs: the CA keys, encrypted, for control planes that join within two hours.
import { encrypt, decrypt } from '../../certs/encrypt.ts';
import { sharedFiles } from '../../certs/shared.ts';
import type { KubeObject } from '../../cluster/types.ts';
import { KbError } from '../../errors.ts';
import { certsSecret, certsTokenSecret, kubeadmCertsRbac } from '../../manifests/kubeadm-certs.ts';
import { fromBase64, toBase64 } from '../../util/text.ts';
import type { Phase, PhaseOutcome } from '../../workflow/phase.ts';
import { adminApi } from './admin.ts';
import { applyAll } from '../cluster/apply.ts';
import { step, type InitContext } from '../context.ts';
import { readExisting } from './existing.ts';

export const uploadCerts: Phase<InitContext> = {
  name: 'upload-certs',
  summary: 'Upload the certificates for control planes that join, encrypted',
  flags: [
    'config',
    'kubeconfig',
    'upload-certs',
    'certificate-key',
    'certificate-key-file',
    'skip-certificate-key-print',
    'dry-run',
  ],
  skip: (ctx) => (ctx.settings.uploadCerts ? undefined : 'not asked for (--upload-certs)'),
  run: upload,
};

/** The Secret of the encrypted keys. */
export const certsSecretRef = { apiVersion: 'v1', kind: 'Secret', namespace: 'kube-system', name: 'kubeadm-certs' };
const lifetimeSeconds = 2 * 60 * 60;

async function upload(ctx: InitContext): Promise<PhaseOutcome> {
  const api = await adminApi(ctx);
  const files = await sharedTexts(ctx);
  const rbac = applyAll(api, kubeadmCertsRbac());
  const existing = await api.get(certsSecretRef);
  // Who asks for this phase by its name, and names no key, wants one: that of an earlier upload is not known any more.
  const wantsNewKey = ctx.settings.isPhaseAlone === true && ctx.spec.certificateKey === undefined;
  if (!wantsNewKey && existing !== undefined && isStillGood(existing, files, ctx.spec.certificateKey)) {
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
  // A plan shows no secret, and nothing was encrypted with this one.
  if (!ctx.settings.skipCertificateKeyPrint && !ctx.spec.isDryRun) {
    ctx.print(`[upload-certs] Using certificate key:\n${key}\n`);
  }
  return 'done';
}

/** The texts of what control planes share, by key in the Secret. */
async function sharedTexts(ctx: InitContext): Promise<Readonly<Record<string, string>>> {
  const existing = await readExisting(ctx);
  const files = sharedFiles(ctx.spec.cluster).map((file) => ({ ...file, body: existing.get(file.path) ?? '' }));
  const missing = files.filter(({ body, isKey }) => body === '' && !isKey).map(({ name }) => name);
  if (missing.length > 0) {
    throw new KbError({
      code: 'KB_CERTS_MISSING',
      summary: 'no certificates to upload',
      host: ctx.host.name,
      detail: `${missing.join(', ')} not found under ${ctx.spec.cluster.certificatesDir}`,
      fix: 'run `kbinit init phase certs all` on the first control plane before uploading',
    });
  }
  return Object.fromEntries(files.map(({ name, body }) => [name, body]));
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
