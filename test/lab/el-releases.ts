/** Owns what tells the imitated releases of the CentOS family apart: their names, and how packages are named for them. */

/** A release as its own files describe it. */
export interface ElRelease {
  /** What comes behind `el` in the names of packages, and $releasever. */
  readonly major: '7' | '9' | '10';
  /** The package that owns os-release. */
  readonly releasePackage: string;
  readonly releaseFile: string;
  readonly releaseLine: string;
  readonly osRelease: Readonly<Record<string, string>>;
  /** Without it the package manager is called yum alone. */
  readonly hasDnf: boolean;
  /** The major of the containerd that Docker has for it. */
  readonly containerd: 1 | 2;
  /** What the repository of the system itself is called. */
  readonly baseRepository: string;
}

/** The releases that a host can be an imitation of. */
export type ElName = 'centos-7' | 'rocky-9' | 'centos-stream-10';

/** Each release under its name as a kind of hosts. */
export const elReleases: Readonly<Record<ElName, ElRelease>> = {
  'centos-7': {
    major: '7',
    releasePackage: 'centos-release',
    releaseFile: 'centos-release',
    releaseLine: 'CentOS Linux release 7.9.2009 (Core)',
    osRelease: {
      NAME: 'CentOS Linux',
      VERSION: '7 (Core)',
      ID: 'centos',
      ID_LIKE: 'rhel fedora',
      VERSION_ID: '7',
      PRETTY_NAME: 'CentOS Linux 7 (Core)',
      CPE_NAME: 'cpe:/o:centos:centos:7',
      HOME_URL: 'https://www.centos.org/',
      CENTOS_MANTISBT_PROJECT: 'CentOS-7',
      CENTOS_MANTISBT_PROJECT_VERSION: '7',
    },
    hasDnf: false,
    containerd: 1,
    baseRepository: 'base',
  },
  'rocky-9': {
    major: '9',
    releasePackage: 'rocky-release',
    releaseFile: 'rocky-release',
    releaseLine: 'Rocky Linux release 9.6 (Blue Onyx)',
    osRelease: {
      NAME: 'Rocky Linux',
      VERSION: '9.6 (Blue Onyx)',
      ID: 'rocky',
      ID_LIKE: 'rhel centos fedora',
      VERSION_ID: '9.6',
      PLATFORM_ID: 'platform:el9',
      PRETTY_NAME: 'Rocky Linux 9.6 (Blue Onyx)',
      CPE_NAME: 'cpe:/o:rocky:rocky:9::baseos',
      HOME_URL: 'https://rockylinux.org/',
    },
    hasDnf: true,
    containerd: 2,
    baseRepository: 'baseos',
  },
  'centos-stream-10': {
    major: '10',
    releasePackage: 'centos-stream-release',
    releaseFile: 'centos-release',
    releaseLine: 'CentOS Stream release 10 (Coughlan)',
    osRelease: {
      NAME: 'CentOS Stream',
      VERSION: '10 (Coughlan)',
      ID: 'centos',
      ID_LIKE: 'rhel fedora',
      VERSION_ID: '10',
      PLATFORM_ID: 'platform:el10',
      PRETTY_NAME: 'CentOS Stream 10 (Coughlan)',
      CPE_NAME: 'cpe:/o:centos:centos:10',
      HOME_URL: 'https://centos.org/',
    },
    hasDnf: true,
    containerd: 2,
    baseRepository: 'baseos',
  },
};
