// The types of a host: how to run, read and write there. Two transports exist (local, ssh) and one recorder (dry run).
import type { Duplex } from 'node:stream';
import type { Shell } from './shell.ts';

export interface ExecIO {
  /** Bytes for the command's standard input; the place for everything secret. */
  readonly stdin?: string | Uint8Array;
  /** Seconds until the command is given up; default 60. */
  readonly timeoutSeconds?: number;
  readonly signal?: AbortSignal;
  /** Keep stdin and stdout of this command out of logs and evidence. */
  readonly secret?: boolean;
  /** True where running it twice does no harm: it is run again when the connection is lost under it. */
  readonly idempotent?: boolean;
  /** Called with how stdout begins (a few thousand characters), whenever there is more of it. */
  readonly onOutput?: (start: string) => void;
  /** Seconds until the first output is there, where the command itself may last much longer. */
  readonly startSeconds?: number;
  /** Bytes that each stream may have; default 16 MiB. */
  readonly limitBytes?: number;
  /** True for one that stays for the whole run: where sshd allows one command at a time, it gives way. */
  readonly isLasting?: boolean;
  /** What the command is for, for messages about it. */
  readonly why?: string;
  /** What a plan shows of a script: the command in it that matters. */
  readonly shown?: string;
}

export interface ExecResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A way to a host. Commands run as root (through sudo where the login user is not root). */
export interface Transport {
  /** How the user names it: `root@192.168.3.29:22`, or `localhost`. */
  readonly target: string;
  /** Run a command under POSIX sh with LC_ALL=C. A non-zero exit is a result, not an error.
   *  @throws KbError KB_SSH_LOST, KB_SUDO, KB_TIMEOUT, KB_ANSWER_TOO_LONG, KB_INTERRUPTED */
  exec(command: Shell, io?: ExecIO): Promise<ExecResult>;
  /** A byte stream from the host to address:port. */
  dial(address: string, port: number): Promise<Duplex>;
  close(): Promise<void>;
}

export interface NetworkAddress {
  readonly interface: string;
  readonly family: 4 | 6;
  readonly address: string;
  readonly prefixLength: number;
  readonly isUp: boolean;
}

/** What a host is, read in one round trip. */
export interface HostFacts {
  readonly hostname: string;
  readonly osRelease: Readonly<Record<string, string>>;
  readonly kernelRelease: string;
  readonly architecture: string;
  readonly machineId: string;
  readonly cpuCount: number;
  readonly memoryMiB: number;
  readonly cgroupVersion: 1 | 2;
  readonly addresses: readonly NetworkAddress[];
  /** Interfaces that carry a default route, in the kernel's order. */
  readonly defaultRoutes: readonly { readonly interface: string; readonly family: 4 | 6 }[];
  /** CRI sockets that exist among kubeadm's three well-known ones, as unix:// URLs. */
  readonly criSockets: readonly string[];
  readonly isResolvedActive: boolean;
  /** kubeadm's extra CA directories that exist, in kubeadm's order (spec 04 §3.8, all generations). */
  readonly caDirectories: readonly string[];
  /** Variables ending in _proxy of the host's root environment. */
  readonly proxyEnvironment: Readonly<Record<string, string>>;
  /** Names under /proc/sys/net/netfilter of connection-tracking limits that root may not change here, as in a container. */
  readonly readOnlyConntrack: readonly string[];
  /** `vX.Y.Z` of the kubelet on the PATH. */
  readonly kubeletVersion?: string;
  /** UTC seconds since the epoch on the host's clock, and on ours when the answer came. */
  readonly clock: { readonly host: number; readonly local: number };
}

/** A file to have on a host. */
export interface Artifact {
  readonly path: string;
  readonly mode: number;
  readonly body: string;
  /** How the body becomes bytes; `latin1` is a byte a character, for files of others that may be no UTF-8. */
  readonly encoding?: TextEncoding;
  /** Keep the body out of logs, events, plans and recordings. */
  readonly secret?: true;
  /** It was read from there and stays as it is: of a secret, a mode that lets others read it is closed, and no more. */
  readonly isKept?: true;
}

export type TextEncoding = 'utf8' | 'latin1';

/** A large file to have on a host. */
export interface Upload {
  readonly path: string;
  readonly mode: number;
  readonly source: UploadSource;
  /** Of the whole, in hexadecimal. */
  readonly sha256: string;
}

/** Where the bytes of an upload come from, a piece at a time. */
export interface UploadSource {
  readonly size: number;
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** A folder to have on a host; its mode is set only when it is made. */
export interface Directory {
  readonly path: string;
  readonly mode: number;
}

export interface Change {
  readonly path: string;
  readonly outcome: 'created' | 'updated' | 'unchanged';
  /** A secret that is kept behind a link, and that others can read there: that is for the link's maker to close. */
  readonly isOpen?: true;
}

/** A host that can only be looked at. */
export interface HostView {
  /** The host's name in every line about it: what the user called it. */
  readonly name: string;
  readonly target: string;
  /** Run a command that changes nothing. */
  probe(command: Shell, io?: ExecIO): Promise<ExecResult>;
  /** A file's text; undefined when there is none. */
  read(path: string): Promise<string | undefined>;
  /** Many files in one round trip; a path that does not exist is left out. */
  readAll(paths: readonly string[], encoding?: TextEncoding): Promise<ReadonlyMap<string, string>>;
  /** Cached after the first call. */
  facts(): Promise<HostFacts>;
  dial(address: string, port: number): Promise<Duplex>;
}

/** A host that can be changed. Every change has a `why`: the line of the plan. */
export interface Host extends HostView {
  /** Make folders, then write files, in one round trip; each file atomically, unchanged files not at all. */
  write(artifacts: readonly Artifact[], directories?: readonly Directory[]): Promise<readonly Change[]>;
  run(command: Shell, why: string, io?: ExecIO): Promise<ExecResult>;
  /** Send a large file in pieces; cut, it goes on where it was. It takes its place only with the right size and sha256. */
  upload(file: Upload): Promise<Change>;
  /** Remove files or empty the named folders' contents (paths ending in `/`), in one round trip. */
  remove(paths: readonly string[], why: string): Promise<void>;
  close(): Promise<void>;
}
