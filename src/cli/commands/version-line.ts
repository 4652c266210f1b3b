// The version of kubeadm that kbinit does the work of, in kubeadm's shape. The bundle's launcher carries a copy: keep it small.
import manifest from '../../../package.json' with { type: 'json' };
import { newestVersion } from '../../kube/releases.ts';
import { formatVersion } from '../../kube/version.ts';

/** Go's names for what Node calls otherwise. */
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

/** version.Info of k8s.io/apimachinery; kbinit itself shows as the commit it was made from. */
export function clientVersion(): Readonly<Record<string, string>> {
  const newest = newestVersion();
  return {
    major: String(newest.major),
    minor: String(newest.minor),
    gitVersion: formatVersion(newest),
    gitCommit: `kbinit-${manifest.version}`,
    gitTreeState: 'clean',
    // The same program is built from the same sources at any time.
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: `node${process.version.slice(1)}`,
    compiler: 'node',
    platform: `${process.platform}/${architectures[process.arch] ?? process.arch}`,
  };
}

/** `kbinit version` without flags, to the letter of kubeadm's. */
export function versionLine(): string {
  const fields = Object.entries(clientVersion()).map(
    ([name, value]) => `${name.slice(0, 1).toUpperCase()}${name.slice(1)}:"${value}"`,
  );
  return `kubeadm version: &version.Info{${fields.join(', ')}}\n`;
}
