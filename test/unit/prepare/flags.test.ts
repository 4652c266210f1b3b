import { describe, expect, test } from 'vitest';
import { KbError } from '../../../src/errors.ts';
import { readPrepare, type PrepareFiles, type PrepareFlags } from '../../../src/prepare/flags.ts';
import { planRepositories } from '../../../src/prepare/repositories.ts';
import { bareState, specOf } from './states.ts';

test.each<[PrepareFlags, string]>([
  [{ kubernetesVersion: '1.24' }, 'is not a version that kbinit knows'],
  [{ role: ['master'] }, '--role: "master" is not a role'],
  [{ hostname: 'a b' }, '--hostname'],
  [{ hostname: '$(id)' }, '--hostname'],
  [{ hostsEntry: ['10.0.0.1'] }, '--hosts-entry'],
  [{ hostsEntry: ['10.0.0.1=a b'] }, '--hosts-entry'],
  [{ podNetworkCidr: '10.244.0.0' }, '--pod-network-cidr'],
  [{ imageRepository: 'a"\nb' }, '--image-repository'],
  [{ registryMirror: ['registry.k8s.io'] }, '--registry-mirror'],
  [{ registryMirror: ['registry.k8s.io=https://me:secret@mirror.example'] }, '--registry-mirror'],
  [{ registryMirror: ['registry.k8s.io=https://mirror.example/"x'] }, '--registry-mirror'],
  [{ registryMirror: ['../x=https://mirror.example'] }, '--registry-mirror'],
  [{ repository: ['ftp://mirror.example'] }, '--repository'],
  [{ repository: ['https://mirror.example/\nexclude='] }, '--repository'],
  [{ repository: ['https://mirror.example/$HOME/$releaseverx'] }, '--repository'],
  [{ repository: ['host', 'https://mirror.example'] }, '--repository'],
  [{ firewallZone: 'a b' }, '--firewall-zone'],
])('%j is refused', (flags, said) => {
  expect(() => readPrepare(flags, {})).toThrow(said);
});

test('everything wrong is said at once', () => {
  expect(() => readPrepare({ role: ['x'], hostname: 'A B' }, {})).toThrow(/--hostname[\s\S]*--role/);
});

test('a minor stands for the patch that kbinit knows best; without a role it is a worker', () => {
  const spec = readPrepare({ kubernetesVersion: '1.31' }, {});
  expect(spec.version).toMatchObject({ major: 1, minor: 31, patch: 14 });
  expect(spec.roles).toEqual(['worker']);
});

test("a repository's URL may have what dnf and yum fill in", () => {
  const url = 'https://mirror.example/docker-ce/linux/centos/$releasever/$basearch/stable';
  expect(readPrepare({ repository: [url] }, {}).source).toMatchObject({ repositories: { urls: [url] } });
});

describe('a repository that is not reached over https', () => {
  const refusals = (flags: PrepareFlags, files: PrepareFiles = {}): readonly string[] => {
    try {
      readPrepare(flags, files);
    } catch (error) {
      if (error instanceof KbError) return error.problems.map(({ detail }) => detail);
      throw error;
    }
    return [];
  };

  test.each(['http://mirror.lan/k8s/rpm/', 'HTTP://mirror.lan/k8s/deb/', 'file:///srv/repo'])(
    '%s does not bring the key that proves it',
    (url) => {
      const repository = ['https://mirror.lan/k8s/', url];
      expect(refusals({ repository })).toEqual([
        `--repository: ${JSON.stringify(url)} is not https, and no key is given to check its packages`,
      ]);
      expect(refusals({ repository }, { repositoryKeys: ['key'] })).toEqual([]);
      expect(refusals({ repository, unsignedRepository: true })).toEqual([]);
    },
  );

  test('is said in the plan when nobody signs it', () => {
    const spec = specOf({ repository: ['http://mirror.lan/rpm'], unsignedRepository: true });
    expect(planRepositories(bareState, spec).warnings).toEqual([
      'packages of http://mirror.lan/rpm are installed without a signature check (--unsigned-repository)',
    ]);
  });

  test('has the key that was given, and no other', () => {
    const spec = specOf({ repository: ['http://mirror.lan/rpm'] }, { repositoryKeys: ['key'] });
    const bodies = planRepositories(bareState, spec).actions.flatMap((action) =>
      action.kind === 'file' ? [action.artifact.body] : [],
    );
    expect(bodies.join('')).toContain('gpgkey=file:///');
    expect(bodies.join('')).not.toContain('repomd.xml.key');
  });
});
