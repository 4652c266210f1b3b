// What `kbinit host prepare` is asked for: typed values, made by flags.ts from a command line.
import type { UploadSource } from '../host/host.ts';
import type { KubeVersion } from '../kube/version.ts';

/** What a host is going to be; it decides which ports are opened. */
export type Role = 'control-plane' | 'worker' | 'etcd' | 'lb';

/** A line of /etc/hosts. */
export interface HostsEntry {
  readonly address: string;
  readonly names: readonly string[];
  /** A host says it of itself: what is in the file already counts for more. */
  readonly isOwn?: true;
}

/** A registry whose images are asked of another place first. */
export interface RegistryMirror {
  readonly registry: string;
  /** `https://registry.aliyuncs.com/google_containers`; a path in it replaces the registry's own. */
  readonly url: string;
}

/** A file of this machine that is uploaded. */
export interface LocalFile {
  readonly source: UploadSource;
  /** Hexadecimal, as the lock has it. */
  readonly sha256: string;
}

/** A program that is uploaded. */
export interface Binary extends LocalFile {
  readonly name: string;
  /** Where it goes on the host. */
  readonly path: string;
  /** What `uname -m` says where it runs. */
  readonly architecture: string;
}

/** A package as a file. */
export interface BundledPackage extends LocalFile {
  readonly name: string;
  readonly file: string;
  /** `el9`, `debian-12`; `rpm` and `deb` are for every system with that format. */
  readonly system: string;
}

/** An archive of images. */
export interface BundledArchive extends LocalFile {
  readonly file: string;
  readonly images: readonly BundledImage[];
}

export interface BundledImage {
  /** With its tag. */
  readonly name: string;
  /** `sha256:…` */
  readonly digest: string;
  /** Hosts without that role do without it. */
  readonly only?: 'control-plane';
}

/** What a bundle brings beside its programs, so that neither a package repository nor a registry is asked. */
export interface Offline {
  readonly version: KubeVersion;
  readonly imageRepository: string;
  readonly packages: readonly BundledPackage[];
  readonly archives: readonly BundledArchive[];
}

/** Where packages come from. */
export interface Repositories {
  /** Upstream's; the host's own only; or these URLs instead of upstream's. */
  readonly kind: 'upstream' | 'host' | 'given';
  readonly urls: readonly string[];
  /** Armored keys of files of this machine; without one a repository is asked for its own. */
  readonly keys: readonly string[];
  /** Nobody signs them: allowed only when it is said. */
  readonly isUnsigned: boolean;
}

/** Where kubelet, containerd and their companions come from. */
export type Source =
  | { readonly kind: 'packages'; readonly repositories: Repositories }
  | { readonly kind: 'binaries'; readonly binaries: readonly Binary[]; readonly offline?: Offline };

export interface PrepareSpec {
  readonly version: KubeVersion;
  readonly roles: readonly Role[];
  readonly hostname?: string;
  readonly hosts: readonly HostsEntry[];
  readonly source: Source;
  /** As Kubernetes is told with podSubnet: its addresses may pass the firewall. */
  readonly podSubnets: readonly string[];
  /** How flannel carries packets between hosts. */
  readonly flannelBackend: 'vxlan' | 'host-gw' | 'udp' | 'wireguard';
  readonly imageRepository: string;
  readonly mirrors: readonly RegistryMirror[];
  /** Registries that had one and are to have none. */
  readonly formerMirrors?: readonly string[];
  readonly cgroupDriver: 'systemd' | 'cgroupfs';
  readonly apiPort: number;
  readonly firewallZone?: string;
  readonly skipPhases: readonly string[];
  readonly isDryRun: boolean;
}
