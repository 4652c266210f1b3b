/** Owns the shape of the lab as tests, benches and the demo see it. */
import type { HostKind } from './kinds.ts';
import type { HostWish } from './topology.ts';

/** A host of a lab. */
export interface LabHost {
  readonly name: string;
  readonly address: string;
  readonly containerId: string;
  readonly port: number;
}

/** What a script left behind; code 124 says that it ran out of time. */
export interface ExecOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a script is run. */
interface ExecOptions {
  readonly stdin?: string;
  readonly timeoutSeconds?: number;
  readonly env?: Record<string, string>;
}

/** What tells labs apart. */
export interface LabOptions {
  /** `lab` unless said otherwise; in the names of all that is made. */
  readonly prefix?: string;
  /** 192.168.3.0/24 unless said otherwise, or what the lab was brought up with. */
  readonly subnet?: string;
  /** What hosts are made of that say nothing else: `ready` unless said otherwise. */
  readonly kind?: HostKind;
  /** Build what only the tests need as well: kubeadm's own tests, an older kubeadm. */
  readonly forTests?: boolean;
  readonly onProgress?: (line: string) => void;
}

/** Hosts in a network of their own. */
export interface Lab {
  readonly name: string;
  /** The state folder. */
  readonly dir: string;
  readonly subnet: string;
  readonly identityFile: string;
  readonly publicKeyFile: string;
  readonly knownHostsFile: string;
  /** A host that is up; throws when there is none of that name. */
  host(name: string): LabHost;
  hosts(): readonly LabHost[];
  /** Brings hosts up, ready for SSH, and ready ones with containerd running; hosts that already run stay as they are. */
  up(names: readonly (string | HostWish)[]): Promise<void>;
  /** Runs a bash script as root inside a host, not over SSH. */
  exec(host: string, script: string, options?: ExecOptions): Promise<ExecOutcome>;
  /** Runs the host's kubectl with its admin.conf; the host is master1 unless said otherwise. */
  kubectl(args: readonly string[], options?: ExecOptions & { readonly host?: string }): Promise<ExecOutcome>;
  /** Copies a file of this machine into a host; the mode is 0o644 unless said otherwise. */
  copyTo(host: string, localPath: string, remotePath: string, mode?: number): Promise<void>;
  /** Shuts a host down and starts it again; its disk stays, its /run and /tmp do not. */
  restart(host: string): Promise<void>;
  /** Shuts a host down with five seconds to spare, or cuts its power. */
  stop(host: string, how?: 'shutdown' | 'power cut'): Promise<void>;
  /** Starts a host that was stopped, and waits until it is ready. */
  start(host: string): Promise<void>;
  /** Makes hosts anew, at once: same names, addresses and SSH host keys, nothing else of what was. */
  recreate(hosts: string | readonly string[]): Promise<void>;
  /** Removes these hosts; without names all of them, the network and everything else the lab made. */
  down(names?: readonly string[]): Promise<void>;
}
