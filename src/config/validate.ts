// Every rule of a complete configuration (spec 02 §6): all problems at once, by field path.
import { Problems } from './problems.ts';
import type { ResetSpec, UpgradeSpec } from './draft.ts';
import type { InitSpec, JoinSpec } from './spec.ts';
import { endpointFault, hasDotPart, isAbsolutePath, urlScheme } from './syntax.ts';
import { validateCluster, validateFolder, validatePath } from './validate-cluster.ts';
import { validateNetworking } from './validate-network.ts';
import {
  validateBootstrapTokens,
  validateCertificateKey,
  validateCriSocket,
  validateEndpoint,
  validateIgnored,
  validateNode,
  validateToken,
} from './validate-node.ts';

/** What is wrong with an init configuration; `nodeAddresses` must stay outside the cluster's ranges. */
export function validateInit(spec: InitSpec, nodeAddresses: readonly string[] = []): Problems {
  const problems = new Problems();
  validateNode(problems, spec.node);
  validateBootstrapTokens(problems, spec.bootstrapTokens);
  validateCluster(problems, spec.cluster);
  const { advertiseAddress } = spec.localAPIEndpoint;
  validateNetworking(problems, spec.cluster, { advertiseAddress, others: nodeAddresses });
  validateEndpoint(problems, 'localAPIEndpoint', spec.localAPIEndpoint);
  validateCertificateKey(problems, 'certificateKey', spec.certificateKey);
  return problems;
}

function validateDiscovery(problems: Problems, spec: JoinSpec): void {
  const { discovery } = spec;
  if (discovery.kind === 'file') {
    const path = 'discovery.file.kubeConfigPath';
    const scheme = urlScheme(discovery.kubeConfigPath);
    if (discovery.kubeConfigPath === '') problems.say(path, 'is empty', 'name a kubeconfig file or an https URL');
    else if (scheme !== undefined && scheme !== 'https') {
      // A URL may hold a password: it is not repeated.
      const message = `${scheme} is refused: the connection could be intercepted`;
      problems.say(path, message, 'use https, or a path on the joining host');
    }
    if (spec.tlsBootstrapToken !== undefined) {
      validateToken(problems, 'discovery.tlsBootstrapToken', spec.tlsBootstrapToken);
    }
    return;
  }
  const path = 'discovery.bootstrapToken';
  validateToken(problems, `${path}.token`, discovery.token);
  validateToken(problems, 'discovery.tlsBootstrapToken', spec.tlsBootstrapToken ?? '');
  if (discovery.apiServerEndpoint === '') {
    problems.say(`${path}.apiServerEndpoint`, 'is not set', 'give host:port of the API server');
  } else {
    const fault = endpointFault(discovery.apiServerEndpoint);
    const fix = 'write host:port, for example k8s.example:6443 or [2001:db8::1]:6443';
    if (fault !== undefined) problems.add(`${path}.apiServerEndpoint`, discovery.apiServerEndpoint, fault, fix);
  }
  if (discovery.caCertHashes.length === 0 && !discovery.unsafeSkipCAVerification) {
    const fix = 'give the hashes that init printed, or --discovery-token-unsafe-skip-ca-verification';
    problems.say(`${path}.caCertHashes`, "is empty: the cluster's identity could not be checked", fix);
  }
  for (const [index, hash] of discovery.caCertHashes.entries()) {
    if (/^sha256:[0-9a-f]{64}$/i.test(hash)) continue;
    problems.add(
      `${path}.caCertHashes[${index}]`,
      hash,
      'is not sha256: and 64 hex digits',
      'copy it whole from the join command',
    );
  }
}

/** What is wrong with a join configuration. */
export function validateJoin(spec: JoinSpec): Problems {
  const problems = new Problems();
  validateDiscovery(problems, spec);
  validateNode(problems, spec.node);
  if (spec.controlPlane !== undefined) {
    validateEndpoint(problems, 'controlPlane.localAPIEndpoint', spec.controlPlane.localAPIEndpoint);
    validateCertificateKey(problems, 'controlPlane.certificateKey', spec.controlPlane.certificateKey);
  }
  if (!isAbsolutePath(spec.caCertPath) || hasDotPart(spec.caCertPath) || !spec.caCertPath.endsWith('.crt')) {
    problems.add('caCertPath', spec.caCertPath, 'is not an absolute path with the suffix .crt', 'correct it');
  }
  return problems;
}

const unmountFlags: readonly string[] = ['MNT_FORCE', 'MNT_DETACH', 'MNT_EXPIRE', 'UMOUNT_NOFOLLOW'];

/** What is wrong with a reset configuration. */
export function validateReset(spec: ResetSpec): Problems {
  const problems = new Problems();
  if (spec.criSocket !== undefined) validateCriSocket(problems, 'criSocket', spec.criSocket);
  validateFolder(problems, 'certificatesDir', spec.certificatesDir);
  validateIgnored(problems, spec.ignorePreflightErrors);
  for (const flag of spec.unmountFlags.filter((name) => !unmountFlags.includes(name))) {
    problems.add('unmountFlags', flag, 'is not an unmount flag', `use ${unmountFlags.join(', ')}`);
  }
  return problems;
}

/** What is wrong with an upgrade configuration. */
export function validateUpgrade(spec: UpgradeSpec): Problems {
  const problems = new Problems();
  for (const part of ['apply', 'node'] as const) {
    const { patchesDirectory } = spec[part];
    if (patchesDirectory !== undefined) validatePath(problems, `${part}.patches.directory`, patchesDirectory);
  }
  for (const part of ['apply', 'node', 'plan'] as const) validateIgnored(problems, spec[part].ignorePreflightErrors);
  if (spec.diff.contextLines < 0) {
    problems.add('diff.contextLines', spec.diff.contextLines, 'is negative', 'give 0 or more');
  }
  return problems;
}
