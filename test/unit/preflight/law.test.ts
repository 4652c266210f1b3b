// Every check of kubeadm, of every version: it is there, in its place, fails at its level and passes on a good host.
import { describe, expect, test } from 'vitest';
import { KbError } from '../../../src/errors.ts';
import type { Check, Finding, Found } from '../../../src/preflight/check.ts';
import { ensureImages } from '../../../src/preflight/images.ts';
import { initChecks, joinChecks, joiningControlPlaneChecks, resetChecks } from '../../../src/preflight/index.ts';
import type { KubeVersion } from '../../../src/kube/version.ts';
import { FakeHost, recordingReporter } from '../../fakes/host.ts';
import { faults, type Fault } from './faults.ts';
import { externalEtcd, found, initSpec, joinSpec } from './fixtures.ts';
import {
  commands,
  lawOf,
  minors,
  namesOf,
  newestMinor,
  oldestMinor,
  versionOf,
  type Command,
  type Condition,
  type Level,
} from './law.ts';

/** Not kubeadm's: docs/preflight.md lists them apart. */
const ourOwn: ReadonlySet<string> = new Set([
  'DiskSpace',
  'ClockSkew',
  'CgroupDriver',
  'Leftovers',
  'Resolver',
  'BridgeNetfilter',
  'HostFiles',
  'ProxyModules',
]);

interface Scenario {
  readonly is: readonly Condition[];
  readonly checks: Readonly<Record<Command, (version: KubeVersion) => readonly (readonly Check[])[]>>;
}

const ipv6 = { serviceSubnet: 'fd00:96::/112', podSubnet: 'fd00:244::/48', dnsDomain: 'cluster.local' };
const joinsAsControlPlane = {
  controlPlane: { localAPIEndpoint: { advertiseAddress: 'fd00::29', bindPort: 6443 } },
};

const scenarios: Readonly<Record<string, Scenario>> = {
  'IPv4, local etcd': {
    is: ['IPv4', 'local etcd', 'worker'],
    checks: {
      init: (version) => initChecks(initSpec({ version })),
      join: (version) => joinChecks(joinSpec(), { version }),
      'join control plane': (version) => joiningControlPlaneChecks(initSpec({ version }), false),
      reset: resetChecks,
    },
  },
  'IPv6, external etcd': {
    is: ['IPv6', 'external etcd', 'control plane'],
    checks: {
      init: (version) => initChecks(initSpec({ version, etcd: externalEtcd, networking: ipv6 }, 'fd00::29')),
      join: (version) => joinChecks({ ...joinSpec('[fd00::33]:6443'), ...joinsAsControlPlane }, { version }),
      'join control plane': (version) =>
        joiningControlPlaneChecks(initSpec({ version, etcd: externalEtcd, networking: ipv6 }, 'fd00::29'), false),
      reset: resetChecks,
    },
  },
};

/** Several checks of one name count once. */
const namesIn = (checks: readonly (readonly Check[])[]): readonly string[] => [
  ...new Set(
    checks
      .flat()
      .map(({ name }) => name)
      .filter((name) => !ourOwn.has(name)),
  ),
];

const hostOf = (minor: number, fault?: Fault): Found =>
  found(fault?.survey, { kubeletVersion: `v1.${minor}.0`, ...fault?.facts });

const run = (checks: readonly (readonly Check[])[], host: Found): readonly Finding[] =>
  checks.flat().flatMap((check) => check.run(host));

const faultOf = (name: string): Fault => {
  const fault = faults.find((one) => one.name === name);
  if (fault === undefined) throw new Error(`nothing makes ${name} fail: add a row to faults.ts`);
  return fault;
};

/** On a host with this fault alone, this check alone has something to tell. */
function expectFailure(
  checks: (version: KubeVersion) => readonly (readonly Check[])[],
  minor: number,
  name: string,
  level: Level,
): void {
  const fault = faultOf(name);
  const findings = run(checks(fault.version ?? versionOf(minor)), hostOf(minor, fault));
  const own = findings.filter((finding) => finding.name === name);
  expect(own[0], name).toMatchObject({ level });
  expect(own.map(({ text }) => text).join()).toContain(fault.says);
  expect(own.every(({ fix }) => fix !== '')).toBe(true);
  // A version that is too new changes the list itself.
  if (fault.version === undefined) expect(findings.filter((finding) => finding.name !== name)).toEqual([]);
}

describe.each(Object.entries(scenarios))('%s', (_, { is, checks }) => {
  describe.each(commands)('%s', (command) => {
    test.each(minors)('of 1.%i has the checks of kubeadm, in its order', (minor) => {
      const wanted = lawOf(command, minor, (when) => is.includes(when)).map(({ name }) => name);
      expect(namesIn(checks[command](versionOf(minor)))).toEqual(wanted);
    });

    test.each(minors)('of 1.%i finds nothing on a good host', (minor) => {
      expect(run(checks[command](versionOf(minor)), hostOf(minor))).toEqual([]);
    });

    const rows = (minor: number): readonly { minor: number; name: string; level: Level }[] =>
      lawOf(command, minor, (when) => is.includes(when)).map(({ name, level }) => ({ minor, name, level }));

    test.each([oldestMinor, newestMinor].flatMap(rows))(
      'of 1.$minor: $name fails as $level, and says why and what to do',
      ({ minor, name, level }) => expectFailure(checks[command], minor, name, level),
    );

    test.each(minors)('of 1.%i fails as it should, each check', (minor) => {
      for (const { name, level } of rows(minor)) expectFailure(checks[command], minor, name, level);
    });
  });
});

test.each([oldestMinor, newestMinor])('every name of 1.%i is met in a scenario: it fails there and passes', (minor) => {
  const met = Object.values(scenarios).flatMap(({ checks }) =>
    commands.flatMap((command) => namesIn(checks[command](versionOf(minor)))),
  );
  expect(namesOf(minor).filter((name) => !met.includes(name) && name !== 'ImagePull')).toEqual([]);
});

test('nothing is told to fail that no version checks', () => {
  const names = namesOf(...minors);
  expect(faults.map(({ name }) => name).filter((name) => !names.includes(name))).toEqual([]);
});

describe('ImagePull', () => {
  const pull = (replies: readonly (readonly [string, string | { code: number; stderr: string }])[]): Promise<unknown> =>
    ensureImages({
      host: new FakeHost({ replies }),
      reporter: recordingReporter(),
      images: ['registry.k8s.io/pause:3.10.2'],
      criSocket: 'unix:///run/containerd/containerd.sock',
      policy: 'IfNotPresent',
      isSerial: true,
      ignore: [],
    });

  test('fails as an error where an image is missing and cannot be pulled', async () => {
    const failed = pull([
      ['images -o json', '{"images": []}'],
      ['pull', { code: 1, stderr: 'dial tcp: connection refused' }],
    ]).catch((cause: unknown) => cause);
    const cause = await failed;
    expect(cause instanceof KbError ? cause.problems[0]?.summary : cause).toBe('ImagePull');
  });

  test('passes where all images are there', async () => {
    await expect(
      pull([['images -o json', '{"images":[{"repoTags":["registry.k8s.io/pause:3.10.2"]}]}']]),
    ).resolves.toEqual([]);
  });
});
