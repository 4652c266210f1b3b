// A cluster without registry and repositories: a bundle of the lab's programs and of a host's containerd, and hosts that
// have nothing but sshd and no way to anything else. And what is refused on the way (R71).
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stepDir } from '../lab/cache.ts';
import { debPaths, debRepositories } from '../lab/deb-repositories.ts';
import { allArchives } from '../lab/images.ts';
import { imageNames, versions, type Lab } from '../lab/lab.ts';
import { releaseRepositories } from '../lab/rpm-repositories.ts';
import { mustRun } from '../lab/run.ts';
import { output } from './observe.ts';
import {
  clusterConfig,
  eventually,
  joinArguments,
  joinFlags,
  kbinit,
  over,
  scratch,
  testLab,
  type KbinitResult,
} from './support.ts';
import { differences, folderOfPrograms, forThisKernel, keepState, trace } from './support/prepared.ts';

let lab: Lab;
let folder: string;
let bundle: string;

const source = 'node3';
const bare = 'master1';
const rocky = 'node1';

const ownVersion = ['--kubernetes-version', versions.kubernetes];
/** `v1.36.` */
const minor = `v${versions.kubernetes.replace(/\d+$/, '')}`;

/** The system's packages, as an administrator would have downloaded them. */
async function packagesOf(system: string, from: string, names: readonly string[]): Promise<readonly string[]> {
  const to = join(folder, system);
  await mkdir(to);
  for (const file of await readdir(from)) {
    if (names.some((name) => file.startsWith(name))) await cp(join(from, file), join(to, file));
  }
  return ['--packages', `${system}=${to}`];
}

const prepareArguments = (host: string, from: string, more: readonly string[]): readonly string[] => [
  'host',
  'prepare',
  ...over(lab, host),
  ...forThisKernel,
  '--offline',
  from,
  ...more,
];
const prepare = (
  host: string,
  from: string,
  more: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<KbinitResult> => kbinit(prepareArguments(host, from, more), { environment });

beforeAll(async () => {
  lab = await testLab('bundle', 93);
  await lab.down();
  await lab.up([source, { name: bare, kind: 'bare' }, { name: rocky, kind: 'rocky-9' }]);
  folder = await scratch();
  bundle = join(folder, 'bundle');
  await pullPause();
  // No package repository: neither configured nor there.
  await output(
    lab,
    bare,
    'rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*; ! mountpoint -q /srv/apt || umount /srv/apt',
  );
  await output(lab, rocky, 'rm -f /etc/yum.repos.d/*; for at in /srv/rpm/kubernetes /srv/rpm; do umount $at; done');
  await Promise.all([bare, rocky].map((host) => keepState(lab, host)));
});

/** The sandbox image as a registry gives it: below an index of platforms, of which a host has only its own. */
async function pullPause(): Promise<void> {
  const layout = join(folder, 'pause');
  await mkdir(layout);
  await mustRun('tar', ['-xf', allArchives().find((path) => path.includes('_pause_')) ?? '', '-C', layout]);
  const text = await readFile(join(layout, 'index.json'), 'utf8');
  const [, manifest = ''] = /"manifests":\[(\{.*\})\]/.exec(text) ?? [];
  const other = `{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:${'1'.repeat(64)}","size":500,"platform":{"os":"linux","architecture":"s390x"}}`;
  const type = 'application/vnd.oci.image.index.v1+json';
  const index = `{"schemaVersion":2,"mediaType":"${type}","manifests":[${other},${manifest}]}`;
  const digest = createHash('sha256').update(index).digest('hex');
  await writeFile(join(layout, 'blobs/sha256', digest), index);
  const top = `{"mediaType":"${type}","digest":"sha256:${digest}","size":${index.length},"annotations":{"io.containerd.image.name":"${imageNames.pause}"}}`;
  await writeFile(join(layout, 'index.json'), `{"schemaVersion":2,"manifests":[${top}]}`);
  await mustRun('tar', ['-C', layout, '-cf', join(folder, 'pause.tar'), 'oci-layout', 'index.json', 'blobs']);
  await lab.copyTo(source, join(folder, 'pause.tar'), '/root/pause.tar', 0o600);
  await output(lab, source, 'ctr -n k8s.io images import /root/pause.tar >/dev/null');
  expect(await output(lab, source, `ctr -n k8s.io images ls name==${imageNames.pause}`)).toContain(digest);
  await rm(layout, { recursive: true });
  await rm(join(folder, 'pause.tar'));
}

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  if (process.env['KBINIT_TEST_KEEP'] === undefined) await lab.down();
});

describe('making a bundle', () => {
  test('what is missing is named at once, and nothing is written', async () => {
    const programs = await folderOfPrograms();
    await symlink(programs, join(folder, 'programs'));
    const made = await kbinit(['bundle', 'create', '--output', bundle, ...ownVersion, '--binaries', programs]);
    expect(made.code).toBe(1);
    expect(made.stderr).toContain('KB_BUNDLE_INPUT');
    for (const name of [imageNames.apiServer, imageNames.etcd, imageNames.pause, imageNames.flannel]) {
      expect(wordsOf(made.stderr)).toContain(name);
    }
    expect((await readdir(folder)).toSorted()).toEqual(['programs']);
  });

  test('a host that cannot pull what it lacks is told of, and nothing is written', async () => {
    const made = await kbinit([
      'bundle',
      'create',
      '--output',
      bundle,
      ...ownVersion,
      '--binaries',
      join(folder, 'programs'),
      '--image-repository',
      'registry.lab.invalid/k8s',
      '--pull',
      ...over(lab, source),
    ]);
    expect(made.code).toBe(1);
    expect(made.stderr).toContain('KB_IMAGE_PULL');
    expect(wordsOf(made.stderr)).toContain('registry.lab.invalid/k8s/kube-apiserver');
    expect((await readdir(folder)).toSorted()).toEqual(['programs']);
  });

  test("programs of a folder, packages of two systems, images of a host's containerd", async () => {
    const el9 = join(stepDir(releaseRepositories('rocky-9')), 'base');
    const made = await kbinit([
      'bundle',
      'create',
      '--output',
      bundle,
      ...ownVersion,
      '--binaries',
      join(folder, 'programs'),
      ...(await packagesOf('el9', el9, ['conntrack-tools', 'socat', 'ethtool', 'iproute-tc', 'container-selinux'])),
      ...(await packagesOf('debian-12', join(stepDir(debRepositories), debPaths.debian), ['socat', 'ethtool'])),
      ...over(lab, source),
    ]);
    expect(made.code, made.stderr).toBe(0);
    expect(made.stdout).toMatch(/: Kubernetes v1\.\d+\.\d+ for linux\/amd64, \d+ files, 9 images, \d+ MiB\n$/);
    expect(await output(lab, source, 'ls -d /var/lib/kbinit 2>&1 || true')).toContain('No such file');
    const again = await kbinit(['bundle', 'create', '--output', bundle, '--binaries', join(folder, 'programs')]);
    expect(again.stderr).toContain('KB_FILE_EXISTS');
  });

  test('verify passes, with the digests that the containerd of the host has', async () => {
    const table = await kbinit(['bundle', 'verify', bundle]);
    expect(table.code, table.stderr).toBe(0);
    const json = await kbinit(['bundle', 'verify', bundle, '-o', 'json']);
    expect(json.code).toBe(0);
    const listed = await output(lab, source, 'ctr -n k8s.io images ls');
    for (const line of listed.split('\n').filter((one) => one.startsWith(imageNames.apiServer))) {
      expect(table.stdout).toContain(line.split(/\s+/)[2]);
      expect(json.stdout).toContain(line.split(/\s+/)[2]);
    }
    const other = await kbinit(['bundle', 'verify', bundle, '--kubernetes-version', '1.25.0']);
    expect(other.code).toBe(1);
    expect(other.stderr).toContain('v1.25.0 is asked for');
  });
});

// ------------------------------------------------------------------------------------------------------------ R71

interface Fault {
  readonly kind: string;
  /** Which file, by how its path begins. */
  readonly file: string;
  readonly change: (body: Buffer) => Buffer;
  /** The lock is made for the changed file: nobody tampered, somebody took the wrong file. */
  readonly isLocked?: true;
  /** Behind the path of the file. */
  readonly said: RegExp;
}

const flip = (body: Buffer): Buffer => {
  const bytes = Buffer.from(body);
  const place = Math.floor(bytes.length / 2);
  bytes[place] = (bytes[place] ?? 0) ^ 1;
  return bytes;
};
const cut = (body: Buffer): Buffer => body.subarray(0, -1000);
const arm = (body: Buffer): Buffer => {
  const bytes = Buffer.from(body);
  bytes.writeUInt16LE(183, 18);
  return bytes;
};
/** Of the same length, so that nothing but the words differ. */
const reworded = (from: string, to: string) => (body: Buffer) =>
  Buffer.from(body.toString('latin1').replaceAll(from, to), 'latin1');

const otherHash = /^is sha256:[0-9a-f]{64}, the lock file has sha256:[0-9a-f]{64}/;
const cutOff = /^is cut off: \d+ bytes of \d+/;
const otherMachine = /^is for arm64, the bundle for amd64/;

/** What was changed behind the lock's back. */
const tamperedWith: readonly Fault[] = [
  { kind: 'a program with a flipped byte', file: 'binaries/kubelet', change: flip, said: otherHash },
  { kind: 'a CNI plugin with a flipped byte', file: 'binaries/cni/bridge', change: flip, said: otherHash },
  { kind: 'a package with a flipped byte', file: 'packages/el9/socat', change: flip, said: otherHash },
  { kind: 'an image archive with a flipped byte', file: 'images/registry.k8s.io_pause', change: flip, said: otherHash },
];

/** All of these at once, each of another file. */
const together: readonly Fault[] = [
  { kind: 'a program cut off', file: 'binaries/runc', change: cut, said: cutOff },
  { kind: 'a CNI plugin cut off', file: 'binaries/cni/bridge', change: cut, said: cutOff },
  { kind: 'a package cut off', file: 'packages/debian-12/socat', change: cut, said: cutOff },
  { kind: 'an image archive cut off', file: 'images/registry.k8s.io_etcd', change: cut, said: cutOff },
  { kind: 'a program for another machine', file: 'binaries/crictl', change: arm, isLocked: true, said: otherMachine },
  {
    kind: 'a CNI plugin for another machine',
    file: 'binaries/cni/portmap',
    change: arm,
    isLocked: true,
    said: otherMachine,
  },
  {
    kind: 'a kubelet of another version',
    file: 'binaries/kubelet',
    change: reworded(minor, 'v1.99.'),
    isLocked: true,
    said: /^is \S+( another version)?, the bundle is for v1\.\d+\.\d+/,
  },
  {
    kind: 'an image archive with a damaged blob',
    file: 'images/registry.k8s.io_pause',
    change: flip,
    isLocked: true,
    said: /^is damaged: the blob sha256:[0-9a-f]{64} is sha256:[0-9a-f]{64}/,
  },
  {
    kind: 'an image archive that was made of half a file',
    file: 'images/registry.k8s.io_kube-scheduler',
    change: cut,
    isLocked: true,
    said: /^is not whole: /,
  },
];

const lockFile = 'kbinit-bundle.json';

/** The bundle with other files in some places; all others are the same ones. */
async function tampered(faults: readonly Omit<Fault, 'kind' | 'said'>[]): Promise<string> {
  const copy = join(await scratch(), 'bad');
  await mustRun('cp', ['-al', bundle, copy]);
  let lock = await readFile(join(copy, lockFile), 'utf8');
  for (const { file, change, isLocked } of faults) {
    const path = await pathOf(copy, file);
    const before = await readFile(path);
    const after = change(before);
    await rm(path);
    await writeFile(path, after);
    const [was, is] = [before, after].map((bytes) => lockedAs(bytes));
    if (isLocked === true) lock = lock.replace(was ?? '', is ?? '');
  }
  await rm(join(copy, lockFile));
  await writeFile(join(copy, lockFile), lock);
  return copy;
}

async function pathOf(at: string, file: string): Promise<string> {
  const names = await readdir(dirname(join(at, file)));
  return join(dirname(join(at, file)), names.find((one) => one.startsWith(basename(file))) ?? '');
}

/** As the lock has it. */
function lockedAs(bytes: Buffer): string {
  return `"size": ${bytes.length},\n      "sha256": "${createHash('sha256').update(bytes).digest('hex')}"`;
}

/** What a failure says, without the frame. */
function wordsOf(stderr: string): string {
  return stderr.replaceAll(/\s+[│╵]?\s*/g, ' ');
}

describe('what is not as its lock says goes to no host (R71)', () => {
  test.each(tamperedWith)('$kind', async (fault) => {
    const bad = await tampered([fault]);
    const refused = await prepare(bare, bad);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('KB_BUNDLE');
    const path = await pathOf(bad, fault.file);
    expect(wordsOf(refused.stderr).split(`${path} `)[1]).toMatch(fault.said);
    await rm(bad, { recursive: true });
    expect(await differences(lab, bare)).toBe('');
  });

  test('everything else that is wrong, at once and each with its own sentence', async () => {
    const bad = await tampered(together);
    const refused = await prepare(bare, bad);
    expect(refused.code).toBe(1);
    const words = wordsOf(refused.stderr);
    for (const { kind, file, said } of together) {
      expect(words.split(`${await pathOf(bad, file)} `)[1], kind).toMatch(said);
    }
    await rm(bad, { recursive: true });
    expect(await differences(lab, bare)).toBe('');
  });

  test('another digest under the same tag', async () => {
    const copy = join(await scratch(), 'bad');
    await mustRun('cp', ['-al', bundle, copy]);
    const lockPath = join(copy, lockFile);
    const lock = await readFile(lockPath, 'utf8');
    await rm(lockPath);
    await writeFile(lockPath, lock.replace(/"digest": "sha256:[0-9a-f]{8}/, '"digest": "sha256:00000000'));
    const refused = await prepare(bare, copy);
    await rm(copy, { recursive: true });
    expect(refused.code).toBe(1);
    expect(wordsOf(refused.stderr)).toMatch(/has \S+:\S+ as sha256:[0-9a-f]{64}, the lock file has sha256:0{8}/);
    expect(await differences(lab, bare)).toBe('');
  });

  test('a kubelet that says another version where it is run is refused on the host, and gone', async () => {
    // It carries the version as a text, and is another one all the same.
    const bad = await tampered([
      {
        file: 'binaries/kubelet',
        change: (body) => Buffer.concat([reworded(minor, 'v1.99.')(body), Buffer.from(` v${versions.kubernetes} `)]),
        isLocked: true,
      },
    ]);
    const refused = await prepare(bare, bad);
    await rm(bad, { recursive: true });
    expect(refused.code, refused.stderr).toBe(1);
    expect(refused.stderr).toContain('KB_BINARY');
    expect(refused.stderr).toMatch(/v1\.99\.\d+, v1\.\d+\.\d+ is asked for/);
    expect(
      await output(
        lab,
        bare,
        'find /usr/local/bin -name "*kubelet*"; ls -d /var/lib/kbinit/staging 2>/dev/null || true',
      ),
    ).toBe('');
    const back = await kbinit(['host', 'restore', ...over(lab, bare)]);
    expect(back.code, back.stderr).toBe(0);
    expect(await differences(lab, bare)).toBe('');
  });

  test('flags that say where else software comes from are refused', async () => {
    const refused = await prepare(bare, bundle, ['--repository', 'host']);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('--repository');
  });
});

// ----------------------------------------------------------------------------------------------- hosts and cluster

describe('hosts without registry and repositories', () => {
  test('a dry run changes nothing', async () => {
    const planned = await prepare(bare, bundle, ['--role', 'control-plane', '--dry-run']);
    expect(planned.code, planned.stderr).toBe(0);
    expect(planned.stdout).toContain(`import ${imageNames.apiServer}`);
    expect(await differences(lab, bare)).toBe('');
  });

  test('a run that is killed while it sends images is no hindrance for the next one', async () => {
    let child: ChildProcess | undefined;
    const killed = await kbinit(prepareArguments(rocky, bundle, ['-v', '1']), {
      onStart: (started) => {
        child = started;
      },
      onProgress: (text) => {
        if (text.includes('import ')) child?.kill('SIGKILL');
      },
    });
    expect(killed.code).toBe(137);
  });

  test('are prepared from the bundle alone', async () => {
    const [first, second] = await Promise.all([
      prepare(bare, bundle, ['--role', 'control-plane']),
      prepare(rocky, bundle, ['--role', 'worker']),
    ]);
    expect(first.code, first.stderr).toBe(0);
    expect(second.code, second.stderr).toBe(0);
    for (const host of [bare, rocky]) {
      expect(await output(lab, host, 'ls -d /var/lib/kbinit/staging 2>&1 || true')).toContain('No such file');
      expect(await output(lab, host, 'command -v conntrack socat ethtool | wc -l')).toBe('3\n');
    }
    expect(await output(lab, bare, 'dpkg-query -W -f "\\${Package} " socat ethtool')).toBe('ethtool socat ');
    expect(await output(lab, rocky, 'rpm -q --qf "%{NAME} " socat ethtool')).toBe('socat ethtool ');
  });

  test('have the images of their role, with the digests of the lock, and the sandbox image pinned', async () => {
    const lock = await readFile(join(bundle, lockFile), 'utf8');
    const images = async (host: string): Promise<string> => output(lab, host, 'crictl images -o json');
    const [first, second] = [await images(bare), await images(rocky)];
    const digests = new Map(
      [...lock.matchAll(/"name": "(\S+:\S+)",\s+"digest": "(\S+)"/g)].map(([, name = '', digest = '']) => [
        name,
        digest,
      ]),
    );
    expect(digests.size).toBe(9);
    for (const [name, digest] of digests) {
      const byDigest = `"${name.replace(/:[^:/]+$/, '')}@${digest}"`;
      expect(first).toContain(byDigest);
      const isControlPlane = /kube-(?:apiserver|controller-manager|scheduler)|\/etcd:/.test(name);
      expect(second.includes(byDigest), name).toBe(!isControlPlane);
    }
    for (const host of [bare, rocky]) {
      expect(await output(lab, host, `crictl inspecti ${imageNames.pause} | grep -c '"pinned": true'`)).toBe('1\n');
    }
  });

  test('a second run asks one question and changes nothing', async () => {
    const before = await trace(lab, bare);
    const logs = await scratch();
    const again = await prepare(bare, bundle, ['--role', 'control-plane'], { KBINIT_LOG_DIR: logs });
    expect(again.code, again.stderr).toBe(0);
    expect(again.stderr).toContain('no changes');
    const [log = ''] = await readdir(logs);
    const events = (await readFile(join(logs, log), 'utf8')).split('\n');
    expect(events.filter((line) => line.includes('"kind":"command"'))).toHaveLength(1);
    expect(await trace(lab, bare)).toBe(before);
  });

  test('another image under the name of one of the bundle is put right', async () => {
    await output(
      lab,
      bare,
      `ctr -n k8s.io images tag --force ${imageNames.pause} ${imageNames.coredns}; until crictl inspecti ${imageNames.pause} | grep -q coredns; do sleep 0.2; done`,
    );
    const again = await prepare(bare, bundle, ['--role', 'control-plane', '-v', '1']);
    expect(again.code, again.stderr).toBe(0);
    expect(again.stderr).toContain(`import ${imageNames.coredns}`);
    const [line = ''] =
      (await output(lab, bare, `ctr -n k8s.io images ls name==${imageNames.coredns}`)).match(/sha256:[0-9a-f]{64}/) ??
      [];
    expect(await readFile(join(bundle, lockFile), 'utf8')).toContain(`"digest": "${line}"`);
  });

  test('become a cluster', async () => {
    const ignored = ['--ignore-preflight-errors', 'SystemVerification'];
    const config = await clusterConfig();
    const init = await kbinit(['init', ...over(lab, bare), '--config', config, '--cni', 'flannel', ...ignored]);
    expect(init.code, init.stderr).toBe(0);
    const wanted = joinArguments(init.stdout);
    const joined = await kbinit([...joinFlags(wanted), ...over(lab, rocky), ...ignored], { stdin: wanted.token });
    expect(joined.code, joined.stderr).toBe(0);
    await eventually('both nodes to be Ready', 180, async () => {
      const { stdout } = await lab.kubectl(['get', 'nodes', '--no-headers'], { host: bare });
      return stdout.split('\n').filter((line) => / Ready /.test(line)).length === 2;
    });
    await eventually('all Pods to run', 180, async () => {
      const { stdout } = await lab.kubectl(['get', 'pods', '-A', '--no-headers'], { host: bare });
      const lines = stdout.trim().split('\n');
      return lines.length >= 10 && lines.every((line) => /\s(\d+)\/\1\s+Running\s/.test(line));
    });
  });

  test('and are what they were, but for their images', async () => {
    for (const host of [rocky, bare]) {
      const done = await kbinit(['reset', ...over(lab, host), '--force', '--host-changes']);
      expect(done.code, done.stderr).toBe(0);
      expect(await differences(lab, host)).toBe('');
    }
  });
});
