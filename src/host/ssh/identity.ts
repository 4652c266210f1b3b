// Private keys for a login: read from files, decrypted with a passphrase that is asked for when it is needed.
import { join } from 'node:path';
import { KbError } from '../../errors.ts';
import { readLocalFile, readLocalText } from '../../util/local-file.ts';

/** A usable private key and the public half by which an agent's copy of it is recognised. */
export interface PrivateKey {
  readonly file: string;
  readonly publicBlob: Buffer;
  /** The form in which the SSH library takes it. */
  readonly key: string | Buffer;
  readonly passphrase?: string;
}

/** What the SSH library makes of a key file. */
export type ParsedKeyFile =
  | { readonly kind: 'key'; readonly publicBlob: Buffer }
  | { readonly kind: 'encrypted' }
  | { readonly kind: 'public'; readonly publicBlob: Buffer }
  | { readonly kind: 'bad'; readonly reason: string };

export interface IdentityOptions {
  /** Files the user named: each has to be a private key. Undefined: those of the configuration, or the default ones. */
  readonly files: readonly string[] | undefined;
  /** Files that ~/.ssh/config names: passed over where they are not there, or stand for an agent's key by their public half. */
  readonly configured?: readonly string[] | undefined;
  readonly homeDirectory: string;
  /** The host's name, for messages. */
  readonly name: string;
  readonly askPassphrase?: (file: string) => Promise<string | undefined>;
  readonly parse: (key: Buffer, passphrase?: string) => ParsedKeyFile;
}

/** A key file before it is decrypted. */
export interface Identity {
  readonly file: string;
  /** From the file itself or from FILE.pub; undefined where neither tells. */
  readonly publicBlob: Buffer | undefined;
  /** undefined: an encrypted default key, and nobody to ask for the passphrase. @throws KbError KB_SSH_KEY */
  load(): Promise<PrivateKey | undefined>;
}

/** As OpenSSH tries them, without the FIDO and DSA ones. */
const defaultNames = ['id_rsa', 'id_ecdsa', 'id_ed25519'] as const;

function keyProblem(name: string, file: string, detail: string, fix: string): KbError {
  const summary = 'a private key cannot be used';
  return new KbError({ code: 'KB_SSH_KEY', summary, detail: `${file}: ${detail}`, fix, host: name });
}

function readPublicHalf(file: string): string {
  try {
    return readLocalText(file);
  } catch {
    return '';
  }
}

async function publicHalf(file: string): Promise<Buffer | undefined> {
  const text = readPublicHalf(`${file}.pub`);
  const base64 = text.split(/\s+/)[1];
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64');
}

async function decrypt(file: string, body: Buffer, options: IdentityOptions): Promise<PrivateKey | undefined> {
  const passphrase = await options.askPassphrase?.(file);
  if (passphrase === undefined) {
    if (options.files === undefined) return undefined;
    const fix = 'run it at a terminal, which asks for the passphrase, or load the key into ssh-agent';
    throw keyProblem(options.name, file, 'the key is encrypted and its passphrase cannot be asked for here', fix);
  }
  const parsed = options.parse(body, passphrase);
  if (parsed.kind === 'key') return { file, publicBlob: parsed.publicBlob, key: body, passphrase };
  const reason = parsed.kind === 'bad' ? parsed.reason : 'it is still encrypted';
  throw keyProblem(options.name, file, `the passphrase does not open it (${reason})`, 'run again with the right one');
}

/** A key whose private half only an agent may have. */
function publicOnly(file: string, publicBlob: Buffer | undefined): Identity | undefined {
  return publicBlob === undefined ? undefined : { file, publicBlob, load: () => Promise.resolve(undefined) };
}

async function openIdentity(file: string, options: IdentityOptions): Promise<Identity | undefined> {
  const isNamed = options.files !== undefined;
  let body: Buffer;
  try {
    body = readLocalFile(file);
  } catch (error) {
    if (!isNamed) return publicOnly(file, await publicHalf(file));
    const reason = error instanceof Error ? error.message : String(error);
    throw keyProblem(options.name, file, reason, 'name a private key file that you can read');
  }
  const parsed = options.parse(body);
  switch (parsed.kind) {
    case 'key': {
      const { publicBlob } = parsed;
      return { file, publicBlob, load: () => Promise.resolve({ file, publicBlob, key: body }) };
    }
    case 'encrypted': {
      let loaded: Promise<PrivateKey | undefined> | undefined;
      return { file, publicBlob: await publicHalf(file), load: () => (loaded ??= decrypt(file, body, options)) };
    }
    case 'public':
    case 'bad': {
      if (!isNamed) return publicOnly(file, parsed.kind === 'public' ? parsed.publicBlob : undefined);
      const reason = parsed.kind === 'public' ? 'it is a public key' : parsed.reason;
      throw keyProblem(options.name, file, reason, 'name a private key in OpenSSH or PEM format (not the .pub)');
    }
    default:
      return parsed satisfies never;
  }
}

/** The identities to try, in order. @throws KbError KB_SSH_KEY for a named file that is no private key */
export async function openIdentities(options: IdentityOptions): Promise<readonly Identity[]> {
  const files =
    options.files ?? options.configured ?? defaultNames.map((name) => join(options.homeDirectory, '.ssh', name));
  const opened = await Promise.all(files.map((file) => openIdentity(file, options)));
  return opened.filter((identity) => identity !== undefined);
}
