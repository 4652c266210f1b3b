// What it takes to reach a host over SSH.
import type { Reporter } from '../../report/events.ts';
import type { Hop } from './route.ts';

/** What is the same for every host of a run. */
export interface SshSettings {
  /** Where .ssh and .kbinit are; default the user's own. */
  readonly homeDirectory?: string;
  /** Asks for a passphrase, a login password or sudo's; left out where nobody can answer. */
  readonly ask?: (question: string) => Promise<string | undefined>;
  /** The one known_hosts file to use instead of kbinit's, the user's and the system's. */
  readonly knownHostsFile?: string;
  /** Record an unknown key instead of refusing it (OpenSSH's accept-new). Never a changed one. */
  readonly acceptNewHostKeys?: boolean;
  /** Seconds between keepalives; the fourth without an answer ends the connection. Default 10. */
  readonly keepaliveSeconds?: number;
  /** Seconds that a host which was lost may take to come back; default 300. */
  readonly reconnectTimeoutSeconds?: number;
  /** A folder of plain characters that commands take for their root (kubeadm's --rootfs). */
  readonly rootfs?: string;
  readonly signal?: AbortSignal;
  readonly reporter?: Reporter;
}

/** One host: its place (port 22 by default), its login, and the jump hosts before it. */
export interface SshOptions extends SshSettings, Omit<Hop, 'port'> {
  readonly port?: number;
  /** The nearest to us first. */
  readonly via?: readonly Hop[];
}

/** `root@192.168.3.29:22` */
export function sshTarget(options: Pick<SshOptions, 'host' | 'port' | 'user'>): string {
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return `${options.user}@${host}:${options.port ?? 22}`;
}
