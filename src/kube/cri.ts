// The CRI, which a kubelet works a container runtime through: how a runtime without it is recognised, and what to do then.
import type { KubeVersion } from './version.ts';

/** gRPC's words where the socket is a runtime's and the CRI is not served there, in logs of whoever asked. */
export const lacksCri: RegExp = /unknown service runtime\.v1\.(?:Runtime|Image)Service/;

/** containerd's plugins that the CRI needs: by the names of its first configuration format, of 1.x and of 2.x. */
export const criPlugins: readonly string[] = [
  'cri',
  'io.containerd.grpc.v1.cri',
  'io.containerd.cri.v1.runtime',
  'io.containerd.cri.v1.images',
];

/** What to do where no more is known than that the CRI is not served. */
export const serveCri: string =
  'remove "cri" (io.containerd.grpc.v1.cri, io.containerd.cri.v1.runtime or io.containerd.cri.v1.images) from disabled_plugins in /etc/containerd/config.toml, then run `systemctl restart containerd`; where no such name is there, `ctr plugins ls` shows what did not load, and containerd older than 1.6 must be upgraded';

/** Whether containerd of this version has the CRI v1: since 1.6 (containerd#5619). */
export function hasCriV1({ major, minor }: Pick<KubeVersion, 'major' | 'minor'>): boolean {
  return major > 1 || minor >= 6;
}
