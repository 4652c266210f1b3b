// What the user is told when a host's key is not simply known.
import { KbError, type Problem } from '../../errors.ts';
import { fingerprint, keyTypeOf, type HostKeyVerdict, type KeyOwner } from './known-hosts.ts';
import type { KnownHostsFiles } from './known-hosts-files.ts';

export interface ShownKey extends KeyOwner {
  /** What the user calls the host. */
  readonly name: string;
  readonly blob: Buffer;
  /** What `kbinit ssh scan` takes for it. */
  readonly scan: string;
  readonly files: KnownHostsFiles;
}

function shown(key: ShownKey): string {
  const alias = key.alias === undefined ? '' : ` (HostKeyAlias ${key.alias})`;
  return `${key.host} port ${key.port}${alias} shows the ${keyTypeOf(key.blob) ?? 'unknown'} key ${fingerprint(key.blob)}`;
}

/** The problem with a verdict; undefined when the key is known. */
function problemOf(verdict: HostKeyVerdict, key: ShownKey): Problem | undefined {
  switch (verdict.kind) {
    case 'known':
      return undefined;
    case 'unknown':
      return {
        code: 'KB_SSH_HOST_KEY_UNKNOWN',
        summary: 'the host key is not known',
        detail: `${shown(key)}; no line for it in ${key.files.read.join(', ')}`,
        fix:
          `compare the fingerprint on the host's console (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub); if it is the ` +
          `same, run again with --accept-new-host-keys, or: \`kbinit ssh scan ${key.scan}\``,
        host: key.name,
      };
    case 'changed':
      return {
        code: 'KB_SSH_HOST_KEY_CHANGED',
        summary: 'the host key is not the one that is known: another machine may be answering',
        detail:
          `${shown(key)}; ${verdict.by.file}:${verdict.by.line} has the ${verdict.by.type} key ` +
          fingerprint(verdict.by.blob),
        fix:
          `if the host was reinstalled, check the new fingerprint on its console, remove line ${verdict.by.line} of ` +
          `${verdict.by.file}, and accept the new key; no flag does this for you`,
        host: key.name,
      };
    case 'revoked':
      return {
        code: 'KB_SSH_HOST_KEY_REVOKED',
        summary: 'the host key is revoked',
        detail: `${shown(key)}; ${verdict.by.file}${verdict.by.line === 0 ? '' : `:${verdict.by.line}`} revokes it`,
        fix: 'do not use this host until it has a new host key',
        host: key.name,
      };
    case 'certificate-authority-only':
      return {
        code: 'KB_SSH_HOST_CERTIFICATE',
        summary: 'only a certificate authority is known for the host, and kbinit does not read host certificates',
        detail: `${shown(key)}; ${verdict.by.file}:${verdict.by.line} is a @cert-authority line`,
        fix: `compare the fingerprint, then add the key itself: \`kbinit ssh scan ${key.scan}\``,
        host: key.name,
      };
    default:
      return verdict satisfies never;
  }
}

/** The failure a verdict means; undefined when the key is known. */
export function hostKeyFailure(verdict: HostKeyVerdict, key: ShownKey): KbError | undefined {
  const problem = problemOf(verdict, key);
  return problem === undefined ? undefined : new KbError(problem);
}
