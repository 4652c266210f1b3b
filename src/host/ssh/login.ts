// What a login to a host takes: everything that stays the same between the first connection and a reconnect.
import { homedir } from 'node:os';
import type { Duplex } from 'node:stream';
import { openIdentities, type Identity } from './identity.ts';
import { parseKeyFile } from './keys.ts';
import type { KeyOwner } from './known-hosts.ts';
import { knownHostsFiles, type KnownHostsFiles } from './known-hosts-files.ts';
import { sshTarget, type SshOptions } from './options.ts';

/** SSH's. */
export const defaultPort = 22;
const defaultConnectTimeoutSeconds = 15;

/** Opens a stream to a host. */
export type Dial = (address: string, port: number) => Promise<Duplex>;

/** Of one host. Passwords are asked for once. */
export interface Login {
  readonly options: SshOptions;
  readonly owner: KeyOwner;
  /** The stream to the host where jump hosts are in between. */
  readonly dial?: Dial;
  /** The key that the host showed first. */
  hostKey?: Buffer;
  readonly files: KnownHostsFiles;
  readonly identities: readonly Identity[];
  readonly timeoutSeconds: number;
  readonly askPassword?: () => Promise<string | undefined>;
}

/** Tells a warning about the host. */
export function warner(options: SshOptions): (text: string) => void {
  return (text) => options.reporter?.emit({ kind: 'warning', host: options.name, text });
}

/** Find the keys and the files that the login takes. @throws KbError KB_SSH_KEY for a key that was named and is none */
export async function prepareLogin(options: SshOptions, dial?: Dial): Promise<Login> {
  const { ask, name } = options;
  const homeDirectory = options.homeDirectory ?? homedir();
  const named = options.identityFiles ?? [];
  const identities = await openIdentities({
    files: named.length > 0 ? named : undefined,
    configured: options.configuredIdentityFiles,
    homeDirectory,
    name,
    parse: parseKeyFile,
    ...(ask !== undefined && { askPassphrase: (file) => ask(`passphrase for ${file}: `) }),
  });
  let password: Promise<string | undefined> | undefined;
  return {
    options,
    owner: {
      host: options.host,
      port: options.port ?? defaultPort,
      ...(options.hostKeyAlias !== undefined && { alias: options.hostKeyAlias }),
    },
    ...(dial !== undefined && { dial }),
    files: knownHostsFiles(homeDirectory, {
      given: options.knownHostsFile,
      user: options.userKnownHostsFiles,
      global: options.globalKnownHostsFiles,
      revoked: options.revokedHostKeyFiles,
    }),
    identities,
    timeoutSeconds: options.connectTimeoutSeconds ?? defaultConnectTimeoutSeconds,
    ...(ask !== undefined && { askPassword: () => (password ??= ask(`password for ${sshTarget(options)}: `)) }),
  };
}
