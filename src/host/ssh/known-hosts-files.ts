// The known_hosts files on the machine that runs kbinit: read all of them, add a line to kbinit's own.
import { appendFile, chmod, mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KbError } from '../../errors.ts';
import { knownHostsLine, parseKnownHosts, type KeyOwner, type KnownKey } from './known-hosts.ts';
import { readLocalText } from '../../util/local-file.ts';

/** Which files are read, and which one an accepted key is written to. */
export interface KnownHostsFiles {
  readonly read: readonly string[];
  readonly write: string;
  /** Files of RevokedHostKeys, which no flag replaces. */
  readonly revoked: readonly string[];
}

export interface KnownHostsChoice {
  /** By --known-hosts: this one and no other. */
  readonly given?: string | undefined;
  /** By UserKnownHostsFile and GlobalKnownHostsFile. */
  readonly user?: readonly string[] | undefined;
  readonly global?: readonly string[] | undefined;
  /** By RevokedHostKeys. */
  readonly revoked?: readonly string[] | undefined;
}

/** kbinit's own file, the user's and the system's; or only the one the user named. */
export function knownHostsFiles(homeDirectory: string, choice: KnownHostsChoice = {}): KnownHostsFiles {
  const { given, user, global, revoked = [] } = choice;
  if (given !== undefined) return { read: [given], write: given, revoked };
  const own = join(homeDirectory, '.kbinit', 'known_hosts');
  return {
    read: [own, ...(user ?? [join(homeDirectory, '.ssh', 'known_hosts')]), ...(global ?? ['/etc/ssh/ssh_known_hosts'])],
    write: own,
    revoked,
  };
}

function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function unusable(file: string, verb: 'read' | 'written', error: unknown): KbError {
  return new KbError(
    {
      code: 'KB_SSH_KNOWN_HOSTS',
      summary: `a known_hosts file cannot be ${verb}`,
      detail: `${file}: ${errnoOf(error) ?? String(error)}`,
      fix: 'make it a plain file that you can read and write, or name another with --known-hosts FILE',
    },
    { cause: error },
  );
}

async function readOne(file: string): Promise<readonly KnownKey[]> {
  try {
    return parseKnownHosts(readLocalText(file), file);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw unusable(file, 'read', error);
  }
}

/** Every key the files know. A file that exists and cannot be read is an error: it may hold the line that refuses.
 *  @throws KbError KB_SSH_KNOWN_HOSTS */
export async function readKnownHosts(files: KnownHostsFiles): Promise<readonly KnownKey[]> {
  return (await Promise.all(files.read.map(readOne))).flat();
}

async function endsInNewline(file: string): Promise<boolean> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    if (size === 0) return true;
    const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
    return buffer[0] === 0x0a;
  } finally {
    await handle.close();
  }
}

/** Make a key known. The file is made 0600 in a folder made 0700. @throws KbError KB_SSH_KNOWN_HOSTS */
export async function addKnownHost(files: KnownHostsFiles, owner: KeyOwner, blob: Buffer): Promise<void> {
  try {
    await mkdir(dirname(files.write), { recursive: true, mode: 0o700 });
    await appendFile(files.write, '', { mode: 0o600 });
    if (dirname(files.write).endsWith('.kbinit')) await chmod(files.write, 0o600);
    const separator = (await endsInNewline(files.write)) ? '' : '\n';
    await appendFile(files.write, separator + knownHostsLine(owner, blob));
  } catch (error) {
    throw unusable(files.write, 'written', error);
  }
}
