// Rules for what the whole cluster shares, beside its address ranges (spec 02 §6).
import { hasEcdsaP384 } from '../kube/config-versions.ts';
import { featureGates, isDeprecatedGate, isLockedGate } from '../kube/feature-gates.ts';
import { formatVersion } from '../kube/version.ts';
import { formatDuration } from '../util/duration.ts';
import { defaults } from './defaults.ts';
import type { Problems } from './problems.ts';
import type { Arg, ClusterSpec, ExternalEtcd, LocalEtcd } from './spec.ts';
import {
  cleanFolder,
  hasControlCharacter,
  hasDotPart,
  isAbsolutePath,
  isCertificateName,
  isImageRepository,
  parseHostPort,
  urlScheme,
  wrongLetter,
} from './syntax.ts';

/** Each argument has a name, and nothing that would end a line of a file. */
export function validateArgs(problems: Problems, path: string, args: readonly Arg[]): void {
  for (const [index, arg] of args.entries()) {
    if (arg.name === '') {
      problems.say(`${path}[${index}].name`, 'the argument has no name', 'give it one, without dashes');
    }
    if (hasControlCharacter(arg.name) || hasControlCharacter(arg.value)) {
      problems.say(`${path}[${index}]`, 'it has a line break or control character', 'write it on one line');
    }
  }
}

/** An absolute path of printable characters. */
export function validatePath(problems: Problems, path: string, value: string): void {
  if (!isAbsolutePath(value)) problems.add(path, value, 'is not an absolute path', 'begin it with /');
  else if (hasControlCharacter(value)) problems.add(path, value, 'has a control character', 'remove it');
}

/** The path of a folder that is filled, and emptied by `reset`: what it says is where it is, and it is not the root. */
export function validateFolder(problems: Problems, path: string, value: string): void {
  validatePath(problems, path, value);
  if (!isAbsolutePath(value)) return;
  if (hasDotPart(value)) problems.add(path, value, 'has "." or ".." in it', 'write the path in full');
  else if (cleanFolder(value) === '/') problems.add(path, value, 'is the root folder', 'name a folder of its own');
}

function validateNames(problems: Problems, path: string, names: readonly string[]): void {
  for (const name of names.filter((candidate) => !isCertificateName(candidate))) {
    const fix = 'use an IP address, a DNS name in lower case, or *. and a DNS name';
    problems.add(path, name, 'is neither an IP address nor a DNS name', fix);
  }
}

function validateRepository(problems: Problems, path: string, repository: string | undefined): void {
  if (repository === undefined || isImageRepository(repository)) return;
  const fix = 'write host[:port]/path in lower case, without scheme and without a slash at the end';
  problems.add(path, repository, 'is not an image repository', fix);
}

function validateTag(problems: Problems, path: string, tag: string | undefined): void {
  if (tag === undefined || /^\w[\w.-]{0,127}$/.test(tag)) return;
  problems.add(path, tag, 'is not an image tag', 'use letters, digits, _, . and -, at most 128');
}

function validateLocalEtcd(problems: Problems, etcd: LocalEtcd): void {
  validateFolder(problems, 'etcd.local.dataDir', etcd.dataDir);
  validateNames(problems, 'etcd.local.serverCertSANs', etcd.serverCertSANs);
  validateNames(problems, 'etcd.local.peerCertSANs', etcd.peerCertSANs);
  validateRepository(problems, 'etcd.local.imageRepository', etcd.imageRepository);
  validateTag(problems, 'etcd.local.imageTag', etcd.imageTag);
  validateArgs(problems, 'etcd.local.extraArgs', etcd.extraArgs);
}

function validateUrls(problems: Problems, path: string, urls: readonly string[], needsHttps: boolean): void {
  for (const url of urls) {
    if (urlScheme(url) === undefined || !url.includes('://') || !URL.canParse(url)) {
      problems.add(path, url, 'is not a URL', 'write https://host:2379');
    } else if (needsHttps && urlScheme(url) !== 'https') {
      problems.add(
        path,
        url,
        'is not https, and certificates are given',
        'use https, or remove caFile, certFile and keyFile',
      );
    }
  }
}

function validateExternalEtcd(problems: Problems, etcd: ExternalEtcd): void {
  const { caFile, certFile, keyFile } = etcd;
  const path = 'etcd.external';
  if ((certFile === '') !== (keyFile === '')) {
    problems.say(path, 'only one of certFile and keyFile is set', 'set both, or none');
  }
  if (certFile !== '' && keyFile !== '' && caFile === '') {
    problems.say(path, 'certFile and keyFile need caFile', "set caFile to the CA of etcd's server certificates");
  }
  if (etcd.endpoints.length === 0) problems.say(`${path}.endpoints`, 'is empty', 'give at least one endpoint');
  const usesTls = caFile !== '' || certFile !== '' || keyFile !== '';
  validateUrls(problems, `${path}.endpoints`, etcd.endpoints, usesTls);
  validateUrls(problems, `${path}.httpEndpoints`, etcd.httpEndpoints, false);
  if (caFile !== '') validatePath(problems, `${path}.caFile`, caFile);
  if (certFile !== '') validatePath(problems, `${path}.certFile`, certFile);
  if (keyFile !== '') validatePath(problems, `${path}.keyFile`, keyFile);
}

function validateGates(problems: Problems, cluster: ClusterSpec): void {
  const known = featureGates(cluster.version);
  for (const [name, value] of Object.entries(cluster.featureGates)) {
    const gate = known.find((candidate) => candidate.name === name);
    if (gate === undefined) {
      const names = known.map((candidate) => candidate.name).join(', ');
      const fix = `remove it; ${formatVersion(cluster.version)} has ${names}`;
      problems.add('featureGates', name, 'is not a feature gate of kubeadm', fix);
      continue;
    }
    if (name === 'RootlessControlPlane' && value) {
      problems.add('featureGates', name, 'is not supported by kbinit', 'remove it');
    }
    if (isDeprecatedGate(gate, cluster.version)) problems.warn(`featureGates.${name}`, 'the gate is deprecated');
    if (isLockedGate(gate, cluster.version) && !value) {
      problems.warn(`featureGates.${name}`, `the gate is on in ${formatVersion(cluster.version)}, whatever is set`);
    }
  }
}

function warnOfValidity(problems: Problems, cluster: ClusterSpec): void {
  const leaf = cluster.certificateValiditySeconds;
  const authority = cluster.caCertificateValiditySeconds;
  const longest = [
    ['certificateValidityPeriod', leaf, defaults.certificateValiditySeconds],
    ['caCertificateValidityPeriod', authority, defaults.caCertificateValiditySeconds],
  ] as const;
  for (const [path, seconds, most] of longest) {
    if (seconds > most) {
      problems.warn(path, `${formatDuration(seconds)} is more than the recommended ${formatDuration(most)}`);
    }
    if (seconds <= 0) {
      problems.add(path, formatDuration(seconds), 'is not a positive duration', 'give a duration above 0');
    }
  }
  if (leaf > authority) {
    problems.warn(
      'certificateValidityPeriod',
      `${formatDuration(leaf)} is more than the CA's ${formatDuration(authority)}`,
    );
  }
}

function validateVolumes(problems: Problems, cluster: ClusterSpec): void {
  for (const name of ['apiServer', 'controllerManager', 'scheduler'] as const) {
    validateArgs(problems, `${name}.extraArgs`, cluster[name].extraArgs);
    for (const [index, volume] of cluster[name].extraVolumes.entries()) {
      const path = `${name}.extraVolumes[${index}]`;
      if (volume.name === '') problems.say(`${path}.name`, 'the volume has no name', 'give it one');
      if (volume.hostPath === '') problems.say(`${path}.hostPath`, 'is missing', 'name a path on the host');
      if (volume.mountPath === '') problems.say(`${path}.mountPath`, 'is missing', 'name a path in the container');
    }
  }
}

/** Every rule of ClusterConfiguration but those of its address ranges. */
export function validateCluster(problems: Problems, cluster: ClusterSpec): void {
  validateRepository(problems, 'imageRepository', cluster.imageRepository);
  validateRepository(problems, 'dns.imageRepository', cluster.dns.imageRepository);
  validateTag(problems, 'dns.imageTag', cluster.dns.imageTag);
  validateNames(problems, 'apiServer.certSANs', cluster.apiServer.certSANs);
  validateVolumes(problems, cluster);
  validateFolder(problems, 'certificatesDir', cluster.certificatesDir);
  validateGates(problems, cluster);
  const endpoint = cluster.controlPlaneEndpoint;
  if (endpoint !== undefined && parseHostPort(endpoint) === undefined) {
    problems.add(
      'controlPlaneEndpoint',
      endpoint,
      wrongLetter(endpoint) ?? 'is not host or host:port',
      'write host:port in lower case, for example k8s.example:6443',
    );
  }
  if (cluster.encryptionAlgorithm === 'ECDSA-P384' && !hasEcdsaP384(cluster.version)) {
    const message = `does not exist in ${formatVersion(cluster.version)}`;
    problems.add('encryptionAlgorithm', cluster.encryptionAlgorithm, message, 'use ECDSA-P256, or v1.34 or newer');
  }
  if (hasControlCharacter(cluster.clusterName)) {
    problems.add('clusterName', cluster.clusterName, 'has a control character', 'remove it');
  }
  if (cluster.etcd.kind === 'local') validateLocalEtcd(problems, cluster.etcd);
  else validateExternalEtcd(problems, cluster.etcd);
  warnOfValidity(problems, cluster);
}
