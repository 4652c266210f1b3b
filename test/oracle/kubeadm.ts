// Which real kubeadm the oracle asks: the lab's own, or with KBINIT_ORACLE_KUBEADM=1.33.13 the older one.
import { parseVersion, type KubeVersion } from '../../src/kube/version.ts';
import { binaries, versions } from '../lab/lab.ts';

interface OracleKubeadm {
  /** `1.36.3` */
  readonly name: string;
  readonly version: KubeVersion;
  readonly path: string;
}

const known: ReadonlyMap<string, string> = new Map([
  [versions.olderKubeadm, binaries.olderKubeadm],
  [versions.kubernetes, binaries.kubeadm],
]);

/** The real kubeadm to compare with. */
export const oracleKubeadm: OracleKubeadm = choose(process.env['KBINIT_ORACLE_KUBEADM'] || versions.kubernetes);

function choose(name: string): OracleKubeadm {
  const [path, version] = [known.get(name), parseVersion(name)];
  if (path !== undefined && version !== undefined) return { name, version, path };
  throw new Error(`KBINIT_ORACLE_KUBEADM=${name} is not in the lab, only ${[...known.keys()].join(' and ')}`);
}
