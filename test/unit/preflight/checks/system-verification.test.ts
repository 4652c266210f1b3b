// SystemVerification: kernel, options and cgroups, and where cgroup v1 is an error.
import { describe, expect, test } from 'vitest';
import type { HostFacts } from '../../../../src/host/host.ts';
import { systemVerification } from '../../../../src/preflight/checks/system-verification.ts';
import type { Survey } from '../../../../src/preflight/survey-parse.ts';
import { found, goodSurvey, kernelOptions } from '../fixtures.ts';

function findings(
  survey: Partial<Survey>,
  facts: Partial<HostFacts> = {},
  kubelet?: Record<string, unknown>,
  minor = 36,
): readonly string[] {
  return systemVerification({ major: 1, minor, patch: 0 }, kubelet)
    .run(found(survey, facts))
    .map((f) => `${f.level}: ${f.text}`);
}

const v1: Partial<Survey> = {
  cgroups: {
    version: 1,
    controllers: new Set(['cpu', 'cpuacct', 'cpuset', 'devices', 'freezer', 'memory', 'pids', 'hugetlb', 'blkio']),
  },
};

test('cgroup v1 is an error for a kubelet of 1.35 and later, naming failCgroupV1', () => {
  expect(findings(v1, { kubeletVersion: 'v1.35.0' })).toEqual([
    'error: the host uses cgroup v1; kubelet v1.35.0 refuses it unless failCgroupV1 is false',
  ]);
});

test.each([['v1.34.4'], ['v1.36.3']])(
  'cgroup v1 is a warning for %s where the kubelet may use it',
  (kubeletVersion) => {
    const kubelet = kubeletVersion === 'v1.34.4' ? {} : { failCgroupV1: false };
    expect(findings(v1, { kubeletVersion }, kubelet)).toEqual([expect.stringMatching(/^warning: .*cgroup v1/)]);
  },
);

test('failCgroupV1: true is not permission', () => {
  expect(findings(v1, {}, { failCgroupV1: true })).toEqual([expect.stringMatching(/^error: .*cgroup v1/)]);
});

test('a missing required controller is told instead of the version', () => {
  const cgroups = { version: 1, controllers: new Set(['cpu']) } as const;
  expect(findings({ cgroups })).toEqual([
    'error: cgroup v1 has no controller cpuacct, cpuset, devices, freezer, memory, pids',
    'warning: cgroup v1 has no controller hugetlb, blkio',
  ]);
});

test('no cgroup filesystem at all is an error', () => {
  expect(findings({ cgroups: { controllers: new Set() } })).toEqual([expect.stringContaining('no cgroup filesystem')]);
});

test.each([['4.19.0'], ['5.11.0-generic'], ['3.10.0-1160.el7.x86_64']])(
  'kernel %s is only warned of',
  (kernelRelease) => {
    expect(findings({}, { kernelRelease })).toEqual([expect.stringMatching(/^warning: kernel /)]);
  },
);

test.each([['5.4.0-26-generic'], ['5.10.0'], ['5.15.0-1'], ['6.1.0-18-amd64'], ['10.0.1']])(
  'kernel %s is fine',
  (kernelRelease) => {
    expect(findings({}, { kernelRelease })).toEqual([]);
  },
);

test('a kernel whose configuration cannot be found is an error', () => {
  expect(findings({ kernel: { options: new Map() } })).toEqual([expect.stringContaining('was not found')]);
});

test('an option under its older name counts', () => {
  const options = kernelOptions.map((o) => (o === 'NETFILTER_XT_TARGET_REDIRECT' ? 'IP_NF_TARGET_REDIRECT' : o));
  const kernel = { source: '/proc/config.gz', options: new Map(options.map((o) => [o, 'm'])) };
  expect(findings({ kernel })).toEqual([]);
});

test('options of the other cgroup version are not asked for', () => {
  const v2only = kernelOptions.filter((o) => !['CGROUP_CPUACCT', 'CGROUP_DEVICE', 'CGROUP_FREEZER'].includes(o));
  const kernel = { source: '/proc/config.gz', options: new Map(v2only.map((o) => [o, 'y'])) };
  expect(findings({ kernel })).toEqual([]);
  expect(findings({ ...v1, kernel }, { kubeletVersion: 'v1.34.0' })).toEqual([
    'error: /proc/config.gz lacks CONFIG_CGROUP_CPUACCT, CONFIG_CGROUP_DEVICE, CONFIG_CGROUP_FREEZER',
    expect.stringContaining('cgroup v1'),
  ]);
});

test('another operating system is an error', () => {
  expect(findings({ kernelName: 'FreeBSD' })).toEqual(['error: the operating system is FreeBSD, not Linux']);
});

test('without a kubelet that is the only finding, whatever else is wrong', () => {
  const { kubeletVersion: _, ...facts } = found().facts;
  const seen = { survey: { ...goodSurvey, ...v1, kernelName: 'FreeBSD' }, facts };
  expect(
    systemVerification({ major: 1, minor: 36, patch: 0 })
      .run(seen)
      .map((f) => f.text),
  ).toEqual(['`kubelet --version` gave no version']);
});

describe('older versions', () => {
  test.each([
    [31, '3.10.0-1160.el7.x86_64', []],
    [31, '2.6.32', ['error']],
    [32, '3.10.0-1160.el7.x86_64', ['error']],
    [33, '4.18.0-553.el8.x86_64', ['error']],
    [33, '4.19.0-26', []],
    [33, '5.14.0-427.el9.x86_64', []],
    [34, '5.14.0-427.el9.x86_64', ['warning']],
    [34, '4.18.0-553.el8.x86_64', ['warning']],
    [36, '6.12.0-55.el10.x86_64', []],
  ])('1.%i on kernel %s: %o', (minor, kernelRelease, levels) => {
    const told = findings({}, { kernelRelease, kubeletVersion: `v1.${minor}.0` }, {}, minor);
    expect(told.map((line) => line.split(':')[0])).toEqual(levels);
  });

  test.each([
    [31, []],
    [32, ['warning']],
    [34, ['warning']],
    [35, ['error']],
  ])('1.%i on cgroup v1: %o', (minor, levels) => {
    const told = findings(v1, { kubeletVersion: `v1.${minor}.0` }, {}, minor);
    expect(told.map((line) => line.split(':')[0])).toEqual(levels);
  });

  test.each([
    [31, 'error'],
    [32, undefined],
    [34, undefined],
  ])('1.%i with a kernel of cgroup v2 alone: %o', (minor, level) => {
    const options = new Map(kernelOptions.filter((o) => o !== 'CGROUP_DEVICE').map((o) => [o, 'y']));
    const [told] = findings(
      { kernel: { source: '/proc/config.gz', options } },
      { kubeletVersion: 'v1.32.0' },
      {},
      minor,
    );
    expect(told?.split(':')[0]).toBe(level);
  });

  test.each([
    [31, []],
    [32, ['error: cgroup v2 has no controller freezer']],
  ])('1.%i without a freezer that can be seen: %o', (minor, told) => {
    const controllers = new Set(['cpu', 'cpuset', 'devices', 'memory', 'pids', 'hugetlb', 'io']);
    expect(findings({ cgroups: { version: 2, controllers } }, {}, {}, minor)).toEqual(told);
  });

  test('until 1.34 a host without a kubelet is judged all the same', () => {
    const { kubeletVersion: _, ...facts } = found().facts;
    const check = systemVerification({ major: 1, minor: 34, patch: 0 });
    expect(check.run({ survey: goodSurvey, facts })).toEqual([]);
  });
});
