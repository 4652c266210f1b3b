// What the name of a package's file says: package managers and repositories keep to it.
import type { Architecture, LockedPackage } from './lock.ts';

export type NamedPackage = Pick<LockedPackage, 'name' | 'version' | 'architecture' | 'format'>;

/** `socat-1.7.4.1-6.el9.x86_64.rpm`, `socat_1.7.4.4-2_amd64.deb`; undefined for any other name. */
export function readPackageName(file: string): NamedPackage | undefined {
  const rpm = /^(.+)-([^-]+-[^-]+)\.([a-z0-9_]+)\.rpm$/.exec(file);
  const deb = /^([^_]+)_([^_]+)_([a-z0-9]+)\.deb$/.exec(file);
  const [, name, version, architecture] = rpm ?? deb ?? [];
  if (name === undefined || version === undefined || architecture === undefined) return undefined;
  // An epoch's colon is written so in names of files.
  return { name, version: version.replace('%3a', ':'), architecture, format: rpm === null ? 'deb' : 'rpm' };
}

/** Whether a package can be installed on such a machine. */
export function fits({ architecture }: NamedPackage, machine: Architecture): boolean {
  const own = machine === 'amd64' ? ['x86_64', 'amd64'] : ['aarch64', 'arm64'];
  return [...own, 'noarch', 'all'].includes(architecture);
}
