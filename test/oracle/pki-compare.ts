// What is the same between two control planes and what may differ: bytes of keys, serials and dates do, the rest not.
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { parseKubeconfig } from '../../src/kubeconfig/kubeconfig.ts';
import { readYaml } from '../../src/util/yaml.ts';
import type { Outcome } from './pki-root.ts';

/** What is compared of one file. */
type Facts = Readonly<Record<string, unknown>>;

/** Every file of a control plane by path, reduced to what has to be equal. `bundle` is a scratch file. */
export function factsOf({ files }: Outcome, bundle: string): Readonly<Record<string, Facts>> {
  const pems = new Map<string, string>();
  const facts = new Map<string, Record<string, unknown>>();
  for (const [path, { mode, text }] of Object.entries(files)) {
    const own: Record<string, unknown> = { mode };
    facts.set(path, own);
    if (mode.startsWith('d')) continue;
    if (path.endsWith('.crt')) pems.set(path, text);
    else if (path.endsWith('.key')) own['key'] = keyFacts(text);
    else if (path.endsWith('.pub')) own['public'] = createPublicKey(text).asymmetricKeyDetails;
    else if (path.endsWith('.conf')) {
      const { clientCertificate } = parseKubeconfig(text, path);
      if (clientCertificate?.kind === 'data') pems.set(path, clientCertificate.text);
      own['kubeconfig'] = readYaml(text.replaceAll(/-data: .*$/gm, '-data: X'));
    } else if (path.endsWith('.yaml')) own['yaml'] = readYaml(text);
    else own['text'] = text;
  }
  for (const [path, printed] of certificateFacts(pems, bundle)) Object.assign(facts.get(path) ?? {}, printed);
  return Object.fromEntries(facts);
}

function keyFacts(text: string): Facts {
  const { asymmetricKeyType, asymmetricKeyDetails } = createPrivateKey(text);
  return { label: /BEGIN ([A-Z ]+)/.exec(text)?.[1], asymmetricKeyType, ...asymmetricKeyDetails };
}

/** Each certificate as openssl prints it, without its serial, key, identifiers, dates and signature. */
function certificateFacts(pems: ReadonlyMap<string, string>, bundle: string): ReadonlyMap<string, Facts> {
  if (pems.size === 0) return new Map();
  writeFileSync(bundle, [...pems.values()].join(''));
  const text = execFileSync('openssl', ['storeutl', '-noout', '-text', '-certs', bundle], { encoding: 'utf8' });
  const printed = text.split(/^\d+: Certificate\n/m).slice(1);
  return new Map(
    [...pems].map(([path, pem], index) => [
      path,
      { certificate: blanked(printed[index] ?? ''), validity: validity(pem) },
    ]),
  );
}

function blanked(text: string): readonly string[] {
  return text
    .replaceAll(/^ *Serial Number:.*\n(?: *[0-9a-f:]+\n)?/gm, '')
    .replaceAll(/^ *(?:[0-9A-Fa-f]{2}:)+(?:[0-9A-Fa-f]{2})?\n/gm, '')
    .replaceAll(/^ *[0-9a-f]{2}\n/gm, '')
    .replaceAll(/^ *Not (?:Before|After ?) *:.*\n/gm, '')
    .replace(/^Total found: .*\n/m, '')
    .trimEnd()
    .split('\n');
}

/** Rounded to ten minutes: the two programs ran one after the other, kubeconfigs begin with their CA. */
function validity(pem: string): Facts {
  const { validFrom, validTo } = new X509Certificate(pem);
  const seconds = (Date.parse(validTo) - Date.parse(validFrom)) / 1000;
  return { seconds: Math.round(seconds / 60) };
}

/** What does not hang together in one control plane: keys of other certificates, chains that openssl does not accept. */
export function inconsistencies({ files }: Outcome, folder: string): readonly string[] {
  const paths = Object.keys(files);
  const pki = paths.find((path) => path.endsWith('/front-proxy-ca.crt'))?.replace(/\/front-proxy-ca\.crt$/, '');
  if (pki === undefined) return ['there is no front-proxy-ca.crt'];
  const textOf = (path: string): string => files[path]?.text ?? '';
  const ca = textOf(`${pki}/ca.crt`);
  const certificates = paths.filter((path) => path.endsWith('.crt'));
  const pairs: readonly Identity[] = [
    ...certificates.map((path) => ({
      path,
      pem: textOf(path),
      key: textOf(path.replace(/crt$/, 'key')),
      ca: textOf(`${pki}/${caOf(path)}`),
    })),
    ...paths.filter((path) => path.endsWith('.conf')).map((path) => clientIn(path, textOf(path), ca)),
  ];
  const foreign = pairs.filter(({ pem, key }) => !belong(pem, key)).map(({ path }) => `${path}: another one's key`);
  const chains = [...new Set(pairs.map((one) => one.ca))].flatMap((issuer) => {
    const pems = pairs.filter((one) => one.ca === issuer).map(({ pem }) => pem);
    return unverified(issuer, pems, folder);
  });
  const account = createPublicKey(createPrivateKey(textOf(`${pki}/sa.key`))).export({ type: 'spki', format: 'pem' });
  return [...foreign, ...chains, ...(account === textOf(`${pki}/sa.pub`) ? [] : ["sa.pub: another one's"])];
}

interface Identity {
  readonly path: string;
  readonly pem: string;
  readonly key: string;
  /** The CA's text. */
  readonly ca: string;
}

function caOf(path: string): string {
  if (path.includes('front-proxy')) return 'front-proxy-ca.crt';
  return path.includes('etcd') ? 'etcd/ca.crt' : 'ca.crt';
}

/** The client of a kubeconfig; one that trusts another CA than the cluster's is none. */
function clientIn(path: string, text: string, ca: string): Identity {
  const context = parseKubeconfig(text, path);
  const [trusted, pem, key] = [context.ca, context.clientCertificate, context.clientKey].map((source) =>
    source?.kind === 'data' ? source.text : '',
  );
  return { path, pem: trusted === ca ? (pem ?? '') : '', key: key ?? '', ca };
}

function belong(pem: string, key: string): boolean {
  return pem !== '' && key !== '' && new X509Certificate(pem).checkPrivateKey(createPrivateKey(key));
}

/** Ask openssl whether each certificate leads to the CA; the answers that are not "OK". */
function unverified(ca: string, pems: readonly string[], folder: string): readonly string[] {
  writeFileSync(`${folder}/verify-ca.pem`, ca);
  const paths = pems.map((pem, index) => {
    const path = `${folder}/verify-${index}.pem`;
    writeFileSync(path, pem);
    return path;
  });
  try {
    execFileSync('openssl', ['verify', '-x509_strict', '-CAfile', `${folder}/verify-ca.pem`, ...paths], {
      stdio: 'pipe',
    });
    return [];
  } catch (error) {
    return [error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)];
  }
}
