// What it takes to reach a host over SSH.
import type { Reporter } from '../report/events.ts';

export interface SshOptions {
  readonly host: string;
  readonly port?: number;
  readonly user: string;
  /** What the user calls the host: the name in every message. */
  readonly name: string;
  /** Key files to try; none = the default ones in ~/.ssh that exist. */
  readonly identityFiles?: readonly string[];
  /** Where .ssh and .kbinit are; default the user's own. */
  readonly homeDirectory?: string;
  /** SSH_AUTH_SOCK. */
  readonly agentSocket?: string;
  /** Asks for a passphrase, a login password or sudo's; left out where nobody can answer. */
  readonly ask?: (question: string) => Promise<string | undefined>;
  /** The one known_hosts file to use instead of kbinit's, the user's and the system's. */
  readonly knownHostsFile?: string;
  /** Record an unknown key instead of refusing it (OpenSSH's accept-new). Never a changed one. */
  readonly acceptNewHostKeys?: boolean;
  /** For the connection and key exchange together; default 15. */
  readonly connectTimeoutSeconds?: number;
  /** Seconds between keepalives; the fourth without an answer ends the connection. Default 10. */
  readonly keepaliveSeconds?: number;
  /** A folder of plain characters that commands take for their root (kubeadm's --rootfs). */
  readonly rootfs?: string;
  readonly signal?: AbortSignal;
  readonly reporter?: Reporter;
}

/** `root@192.168.3.29:22` */
export function sshTarget(options: Pick<SshOptions, 'host' | 'port' | 'user'>): string {
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return `${options.user}@${host}:${options.port ?? 22}`;
}
