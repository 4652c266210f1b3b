// ExternalEtcdVersion and ExternalEtcdClientCertificates: the etcd somebody else runs is new enough and can be reached.
import type { ExternalEtcd } from '../../config/spec.ts';
import { formatVersion, parseVersion, type KubeVersion } from '../../kube/version.ts';
import { error, type Check, type Finding } from '../check.ts';
import type { EtcdAnswer } from '../external-etcd.ts';
import { isEtcdTooOld, oldestExternalEtcd } from '../../kube/skew.ts';

/** Every endpoint answers /version with one that is new enough (spec 03 §5). */
export function externalEtcdVersion(etcd: ExternalEtcd, kubernetes: KubeVersion): Check {
  return {
    name: 'ExternalEtcdVersion',
    asks: { externalEtcd: etcd },
    run: ({ survey }) => survey.externalEtcd.flatMap((answer) => judge(answer, kubernetes)),
  };
}

function judge(answer: EtcdAnswer, kubernetes: KubeVersion): readonly Finding[] {
  const name = 'ExternalEtcdVersion';
  if ('failure' in answer) {
    const text = `${answer.endpoint} could not be asked for its version: ${answer.failure}`;
    return [error(name, text, 'check etcd, and etcd.external in the configuration')];
  }
  const version = parseVersion(answer.version);
  if (version !== undefined && !isEtcdTooOld(version, kubernetes)) return [];
  const enough = formatVersion(oldestExternalEtcd(kubernetes));
  return [error(name, `${answer.endpoint} runs etcd ${answer.version}`, `upgrade etcd to ${enough} or later`)];
}

/** The configured files exist on the host (spec 03 §2, last row). */
export function externalEtcdClientCertificates(etcd: ExternalEtcd): readonly Check[] {
  const name = 'ExternalEtcdClientCertificates';
  const files: readonly (readonly [string, string])[] = [
    ['caFile', etcd.caFile],
    ['certFile', etcd.certFile],
    ['keyFile', etcd.keyFile],
  ];
  return files
    .filter(([, path]) => path !== '')
    .map(([field, path]): Check => ({
      name,
      asks: { paths: [path] },
      run: ({ survey }) =>
        survey.paths.get(path) === 'missing'
          ? [error(name, `${path} does not exist`, `copy it to the host, or correct etcd.external.${field}`)]
          : [],
    }));
}
