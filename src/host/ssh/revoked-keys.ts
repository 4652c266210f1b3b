// Host keys that RevokedHostKeys refuses: a list of public keys, or a KRL, which ssh-keygen reads.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KbError } from '../../errors.ts';
import { readLocalFile } from '../../util/local-file.ts';
import { configProblem } from './config-lines.ts';
import { keyTypeOf, type KnownKey } from './known-hosts.ts';

/** PROTOCOL.krl: KRL_MAGIC, 0x5353484b524c0a00. */
const krlMagic = Buffer.from('SSHKRL\n\0');

/** Which of these keys the files revoke, as lines that known_hosts could have. @throws KbError KB_SSH_CONFIG */
export async function revocations(files: readonly string[], blobs: readonly Buffer[]): Promise<readonly KnownKey[]> {
  const found = await Promise.all(files.map((file) => revokedBy(file, blobs)));
  return found.flat();
}

async function revokedBy(file: string, blobs: readonly Buffer[]): Promise<readonly KnownKey[]> {
  let body: Buffer;
  try {
    body = readLocalFile(file);
  } catch (error) {
    throw unusable(file, error instanceof Error && 'code' in error ? String(error.code) : String(error));
  }
  if (!body.subarray(0, krlMagic.length).equals(krlMagic)) return listed(file, body.toString('latin1'));
  const verdicts = await Promise.all(blobs.map(async (blob) => ((await isInKrl(file, blob)) ? [blob] : [])));
  return verdicts.flat().map((blob) => revoked(file, 0, blob));
}

function revoked(file: string, line: number, blob: Buffer): KnownKey {
  return { hosts: '*', marker: 'revoked', type: keyTypeOf(blob) ?? '', blob, file, line };
}

/** A public key a line. ssh refuses every host where it cannot read one of them. */
function listed(file: string, text: string): readonly KnownKey[] {
  return text.split('\n').flatMap((raw, index) => {
    const [type = '', base64 = ''] = raw.trim().split(/[ \t]+/);
    if (type === '' || type.startsWith('#')) return [];
    // kbinit takes no host certificate anyway.
    if (type.endsWith('-cert-v01@openssh.com')) return [];
    const blob = Buffer.from(base64, 'base64');
    if (keyTypeOf(blob) !== type) throw unusable(`${file}:${index + 1}`, 'this is not a public key');
    return [revoked(file, index + 1, blob)];
  });
}

async function isInKrl(file: string, blob: Buffer): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'kbinit-krl-'));
  try {
    const key = join(folder, 'key.pub');
    await writeFile(key, `${keyTypeOf(blob) ?? ''} ${blob.toString('base64')}\n`);
    const { said, error } = await new Promise<{ said: string; error: Error | null }>((resolve) => {
      execFile('ssh-keygen', ['-Q', '-f', file, key], { timeout: 10_000 }, (failed, stdout, stderr) =>
        resolve({ said: `${stdout}${stderr}`.trim(), error: failed }),
      );
    });
    if (/: REVOKED$/m.test(said)) return true;
    if (error === null && /: ok$/m.test(said)) return false;
    throw unusable(file, `ssh-keygen -Q: ${said === '' ? (error?.message ?? 'no answer') : said}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function unusable(file: string, found: string): KbError {
  return configProblem(
    `RevokedHostKeys ${file}: ${found}; ssh refuses every host then`,
    'make it a file of public keys or a KRL that you can read, or name another configuration with --ssh-config FILE',
  );
}
