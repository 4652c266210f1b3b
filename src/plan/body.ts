// What a plan says of a content: never a secret, and of what every run makes anew its recipe, so that two plans of one
// thing are equal.
import { createHash, X509Certificate } from 'node:crypto';
import type { Body, CertificateRecipe } from './op.ts';

const pem = /-----BEGIN ([A-Z ]+)-----[A-Za-z0-9+/=\s]+-----END \1-----\n?/g;
/** The beginning of `-----BEGIN ` in base64: certificates inside kubeconfigs and objects. */
const encodedPem = /LS0tLS1CRUdJTi[A-Za-z0-9+/]+=*/g;
/** cluster-info's signatures, whose key and value depend on the token. */
const signature = /(jws-kubeconfig-)[a-z0-9]{6}(["']?: )[\w-]+\.\.[\w-]+/g;
/** etcd init derives it from the CA that it makes. */
const clusterToken = /(ETCD_INITIAL_CLUSTER_TOKEN=["']?)[\w-]+/g;
/** The hash of what follows it (manifests/own-file.ts), which masks the rest. */
const seal = /^(# kbinit sha256:)[0-9a-f]{64}$/gm;
/** When a run began, in the journal and in annotations. */
const time = /\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z/g;
const tokenName = /\bbootstrap-token-[a-z0-9]{6}\b/g;

/** A text in which labels stand for what differs from run to run. */
export function masked(text: string): string {
  return text
    .replaceAll(encodedPem, (found) => {
      const decoded = Buffer.from(found, 'base64').toString();
      return decoded.startsWith('-----BEGIN ') ? masked(decoded) : found;
    })
    .replaceAll(pem, (found, label: string) => `⟪${label.toLowerCase()} ${subjectOf(found)}⟫`)
    .replaceAll(signature, '$1⟪token⟫$2⟪signature⟫')
    .replaceAll(seal, '$1…')
    .replaceAll(clusterToken, '$1⟪ca⟫')
    .replaceAll(time, '⟪now⟫')
    .replaceAll(tokenName, 'bootstrap-token-⟪token⟫');
}

function subjectOf(text: string): string {
  return recipeOf(text)?.subject ?? '';
}

/** What was asked of whoever made this certificate; undefined for anything else. */
function recipeOf(text: string): CertificateRecipe | undefined {
  if (!text.includes('-----BEGIN CERTIFICATE-----')) return undefined;
  try {
    const found = new X509Certificate(text);
    const line = (value: string): string => value.split('\n').join(', ');
    return {
      subject: line(found.subject),
      issuer: line(found.issuer),
      names: (found.subjectAltName ?? '').split(', ').filter((name) => name !== ''),
      usages: found.keyUsage ?? [],
      isAuthority: found.ca,
      days: Math.round((Date.parse(found.validTo) - Date.parse(found.validFrom)) / 86_400_000),
    };
  } catch {
    return undefined;
  }
}

const journals = '/var/lib/kbinit/journal/';

/** The body of a file, of which a plan may show this much. */
export function fileBody(path: string, content: string, isSecret: boolean): Body {
  return path.startsWith(journals) ? { made: 'journal' } : bodyOf(content, isSecret);
}

/** The body of a file or an object, of which a plan may show this much. */
export function bodyOf(content: string, isSecret: boolean): Body {
  if (isSecret) return { secret: true };
  const recipe = recipeOf(content);
  if (recipe !== undefined && content.replaceAll(pem, '').trim() === '') return { made: 'certificate', recipe };
  if (/^-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----\n?$/.test(content)) return { made: 'key' };
  return { sha256: sha256(masked(content)) };
}

/** Hexadecimal. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
