// Plans of lb apply, host prepare and etcd init: twice the same, and nothing is left once it was done.
import { describe, expect, test } from 'vitest';
import { openLedger, parseLedger } from '../../../src/host/ledger.ts';
import { recordingHost } from '../../../src/host/recording.ts';
import { etcdInitPhases } from '../../../src/phases/etcd-init/index.ts';
import { lbPhases } from '../../../src/phases/lb/index.ts';
import { preparePhases } from '../../../src/phases/prepare/index.ts';
import { digest, opDigest, type HostOp } from '../../../src/plan/digest.ts';
import type { RunEvent } from '../../../src/report/events.ts';
import { FakeHost, recordingReporter } from '../../fakes/host.ts';
import { runAll, runContext } from '../../fakes/run.ts';
import { etcdHosts } from '../phases/etcd-init/etcd-hosts.ts';
import { balancerHost } from '../phases/lb/balancer-host.ts';
import { specOf } from '../prepare/states.ts';

function opsOf(events: readonly RunEvent[]): readonly HostOp[] {
  return events.flatMap((event) =>
    event.kind === 'plan' && event.op !== undefined ? [{ host: event.host, op: event.op }] : [],
  );
}

/** Questions about files and folders that a recorder asks. */
const stat = [
  [/stat -L -c %a/, ''],
  [/^test -d /, { code: 1 }],
] as const;

async function lbPlan(isDone = false): Promise<readonly HostOp[]> {
  const balancer = balancerHost();
  const { host } = balancer;
  if (isDone) await balancer.apply();
  const reporter = recordingReporter();
  const backends = [{ name: 'master1', address: '192.168.3.29', port: 6443 }];
  const recorded = recordingHost(Object.assign(host, { probe: withStat(host) }), reporter);
  await runAll(lbPhases, {
    ...runContext(recorded, 'kbinit lb apply'),
    reporter,
    spec: { balancer: { bind: '*', port: 6443, backends }, isDryRun: true, isForced: false, skipPhases: [] },
  });
  return opsOf(reporter.events);
}

/** The host's answers, and for a recorder the modes of its files. */
function withStat(host: FakeHost): FakeHost['probe'] {
  const ask = host.probe.bind(host);
  return async (command, io) => {
    // A folder that is there, an upload that is not.
    if (/^test -d |kbinit-part/.test(command.text)) return { code: 0, stdout: '', stderr: '' };
    if (!/stat -L -c %a/.test(command.text)) return ask(command, io);
    const paths = /^for p in (.*?); do/.exec(command.text)?.[1]?.split(' ') ?? [];
    const stdout = paths
      .map((path) => (host.files.has(path) ? (host.modes.get(path) ?? 0o644).toString(8) : '-'))
      .join('\n');
    return { code: 0, stdout, stderr: '' };
  };
}

async function preparePlan(): Promise<readonly HostOp[]> {
  const osRelease = Buffer.from('ID=rocky\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.6"\n').toString('base64');
  const answer = [
    'kernel 5.14.0-570.el9.x86_64',
    'hostname node1',
    'machine x86_64',
    'cgroup 2',
    'capabilities 000001ffffffffff',
    `text ${osRelease} /etc/os-release`,
    'swap Filename Type',
    'swap /dev/dm-1 partition 1 0 -2',
    '',
  ].join('\n');
  const reporter = recordingReporter();
  const host = recordingHost(
    new FakeHost({ name: 'node1', replies: [['basics', answer], ...stat, ['ledger.json', ''], [/^/, '']] }),
    reporter,
  );
  await runAll(preparePhases, {
    ...runContext(host, 'kbinit host prepare'),
    reporter,
    spec: { ...specOf({ role: ['lb'] }), isDryRun: true },
    ledger: openLedger(host),
    readLedger: (text) => parseLedger('node1', text),
  });
  return opsOf(reporter.events);
}

async function etcdPlan(): Promise<readonly HostOp[]> {
  const upload = { bytes: Buffer.from('elf'), sha256: 'ab'.repeat(32) };
  const { ctx } = etcdHosts([{}, {}, {}], { upload });
  const reporter = recordingReporter();
  const hosts = ctx.hosts.map((one) => {
    if (!(one.host instanceof FakeHost)) throw new Error('not a fake');
    return { ...one, host: recordingHost(Object.assign(one.host, { probe: withStat(one.host) }), reporter) };
  });
  const [first] = hosts;
  if (first === undefined) throw new Error('no host');
  await runAll(etcdInitPhases, {
    ...ctx,
    reporter,
    host: first.host,
    hosts,
    spec: { ...ctx.spec, isDryRun: true },
  });
  return opsOf(reporter.events);
}

describe.each([
  ['lb apply', () => lbPlan()],
  ['host prepare', preparePlan],
  ['etcd init', etcdPlan],
] as const)('%s', (_name, plan) => {
  test('planned twice has one digest, and no secret', async () => {
    const [first, second] = [await plan(), await plan()];
    expect(first.length).toBeGreaterThan(2);
    expect(second.filter((op, n) => opDigest(op) !== opDigest(first[n] ?? op))).toEqual([]);
    expect(digest(second)).toBe(digest(first));
    expect(JSON.stringify(first)).not.toContain('PRIVATE KEY');
  });
});

test('lb apply has nothing to plan once it was done', async () => {
  expect(await lbPlan(true)).toEqual([]);
});
