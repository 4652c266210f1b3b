// Plans of whole workflows: two of the same thing are equal, and so is what is left when a part was really done.
import { describe, expect, test } from 'vitest';
import { PlannedCluster } from '../../../src/cluster/planned.ts';
import { recordingApi } from '../../../src/cluster/recording.ts';
import { recordingEtcd } from '../../../src/cluster/recording-etcd.ts';
import { completeJoin } from '../../../src/config/complete.ts';
import { loadJoin } from '../../../src/config/load.ts';
import type { InitSpec } from '../../../src/config/spec.ts';
import { recordingHost } from '../../../src/host/recording.ts';
import type { InitContext } from '../../../src/phases/context.ts';
import type { JoinContext } from '../../../src/phases/join/context.ts';
import { initPhases, joinPhases } from '../../../src/phases/index.ts';
import { digest, opDigest, type HostOp } from '../../../src/plan/digest.ts';
import type { RunEvent } from '../../../src/report/events.ts';
import { systemRandomSource } from '../../../src/util/keygen.ts';
import { runPhases } from '../../../src/workflow/runner.ts';
import { selectPhases } from '../../../src/workflow/select.ts';
import { specOf } from '../../golden/support/case.ts';
import { FakeHost, plainFacts, recordingReporter } from '../../fakes/host.ts';
import { runContext, unused } from '../../fakes/run.ts';

const base = specOf('v1.36.3/default');
/** Elliptic keys, made anew in every run, take no time. */
const spec: InitSpec = { ...base, cluster: { ...base.cluster, encryptionAlgorithm: 'ECDSA-P256' } };

function bareHost(name = 'master1'): FakeHost {
  const host = new FakeHost({
    name,
    replies: [
      [/stat -L -c %a/, (command) => modesOf(command, host)],
      [/^test -d /, { code: 1 }],
      [
        /\[ -e "\$p" \]/,
        (command) =>
          wordsOf(command)
            .map((path) => (host.files.has(path) ? 'yes' : 'no'))
            .join('\n'),
      ],
      [/./, ''],
    ],
  });
  return host;
}

const wordsOf = (command: string): readonly string[] =>
  /^for p in (.*?); do|^for p in (.*?)\n/s.exec(command)?.[1]?.split(' ') ?? [];
const modesOf = (command: string, host: FakeHost): string =>
  wordsOf(command)
    .map((path) => (host.files.has(path) ? (host.modes.get(path) ?? 0o644).toString(8) : '-'))
    .join('\n');

function context(
  host: InitContext['host'],
  isDryRun: boolean,
  reporter = recordingReporter(),
  planned = new PlannedCluster(),
): InitContext {
  return {
    ...runContext(host, 'kbinit init'),
    reporter,
    chance: systemRandomSource(),
    startedAt: new Date(),
    spec: { ...spec, isDryRun },
    apis: {
      open: (credentials) => recordingApi({ host: host.name, reporter, credentials, planned }),
    },
    etcds: {
      open: () =>
        recordingEtcd(
          { members: unused, status: unused, addLearner: unused, promote: unused, remove: unused },
          { host: host.name, reporter },
        ),
    },
    settings: {
      uploadCerts: true,
      skipTokenPrint: false,
      skipCertificateKeyPrint: false,
      printManifest: false,
      kubeconfig: '/etc/kubernetes/admin.conf',
      kubeconfigDir: '/etc/kubernetes',
      patches: [],
      flannelBackend: 'vxlan',
    },
    tokens: [],
    print: () => undefined,
  };
}

async function run(ctx: InitContext, skip: readonly string[]): Promise<void> {
  await runPhases(selectPhases(initPhases, { skip: ['preflight', ...skip] }), ctx, {
    signal: ctx.signal,
    now: () => 0,
    observer: { started: () => undefined, ended: () => undefined },
  });
}

/** What a dry run of init on that host plans. */
async function planOf(host: FakeHost, planned = new PlannedCluster()): Promise<readonly HostOp[]> {
  const reporter = recordingReporter();
  await run(context(recordingHost(host, reporter), true, reporter, planned), []);
  return opsOf(reporter.events);
}

function opsOf(events: readonly RunEvent[]): readonly HostOp[] {
  return events.flatMap((event) =>
    event.kind === 'plan' && event.op !== undefined ? [{ host: event.host, op: event.op }] : [],
  );
}

/** What a dry run of a worker's join plans, with the cluster as it is planned to be. */
async function joinPlanOf(planned: PlannedCluster): Promise<readonly HostOp[]> {
  const reporter = recordingReporter();
  const { advertiseAddress, bindPort } = spec.localAPIEndpoint;
  const [token] = spec.bootstrapTokens;
  const { draft } = loadJoin(undefined, 'flags', {
    apiServerEndpoint: `${advertiseAddress}:${bindPort}`,
    token: token?.token ?? '',
    discoveryTokenUnsafeSkipCaVerification: true,
  });
  const host = recordingHost(bareHost('node1'), reporter);
  const ctx: JoinContext = {
    ...runContext(host, 'kbinit join'),
    reporter,
    chance: systemRandomSource(),
    apis: { open: (credentials) => recordingApi({ host: host.name, reporter, credentials, planned }) },
    spec: { ...completeJoin(draft, { ...plainFacts, hostname: 'node1' }).spec, isDryRun: true },
    settings: { patches: [], runner: { identity: 'test', isDead: () => false } },
    print: () => undefined,
  };
  await runPhases(selectPhases(joinPhases, { skip: ['preflight'] }), ctx, {
    signal: ctx.signal,
    now: () => 0,
    observer: { started: () => undefined, ended: () => undefined },
  });
  return opsOf(reporter.events);
}

describe('init', () => {
  test('planned twice has one digest, with keys, certificates and tokens of its own each time', async () => {
    const [first, second] = [await planOf(bareHost()), await planOf(bareHost())];
    expect(first.length).toBeGreaterThan(60);
    expect(second.filter((op, n) => opDigest(op) !== opDigest(first[n] ?? op))).toEqual([]);
    expect(second).toHaveLength(first.length);
    expect(digest(second)).toBe(digest(first));
    expect(JSON.stringify(first)).not.toMatch(/PRIVATE KEY|LS0tLS1CRUdJTiBSU0E|LS0tLS1CRUdJTiBFQyBQ/);
  });

  test.each([
    [['certs']],
    [['certs', 'kubeconfig']],
    [['certs', 'kubeconfig', 'control-plane']],
    [['certs', 'kubeconfig', 'control-plane', 'etcd']],
  ])('after %j were really done plans the rest of what it had planned', async (done) => {
    const whole = await planOf(bareHost());
    const host = bareHost();
    await run(
      context(host, false),
      initPhases.map(({ name }) => name).filter((name) => name !== 'preflight' && !done.includes(name)),
    );
    const rest = await planOf(host);
    const known = new Set(whole.map(opDigest));
    expect(rest.filter((op) => !known.has(opDigest(op)))).toEqual([]);
    expect(rest.length).toBeLessThan(whole.length);
  });

  test('of another configuration has another digest', async () => {
    const [plan] = [await planOf(bareHost())];
    const changed = plan.map(({ host, op }) =>
      op.op === 'file' && op.path.endsWith('kube-apiserver.yaml') ? { host, op: { ...op, mode: 0o644 } } : { host, op },
    );
    expect(digest(changed)).not.toBe(digest(plan));
  });
});

describe('join', () => {
  test('planned after init finds the cluster that init will have made, twice the same', async () => {
    const planned = new PlannedCluster();
    const init = await planOf(bareHost(), planned);
    const join = await joinPlanOf(planned);
    const ca = join.find(({ op }) => op.op === 'file' && op.path === '/etc/kubernetes/pki/ca.crt');
    const made = init.find(({ op }) => op.op === 'file' && op.path === '/etc/kubernetes/pki/ca.crt');
    expect(ca?.op).toEqual(made?.op);
    const kubelet = join.find(({ op }) => op.op === 'file' && op.path === '/var/lib/kubelet/config.yaml');
    expect(kubelet?.op).toMatchObject({ is: { sha256: expect.any(String) } });
    const other = new PlannedCluster();
    await planOf(bareHost(), other);
    const again = await joinPlanOf(other);
    expect(again.filter((op, n) => opDigest(op) !== opDigest(join[n] ?? op))).toEqual([]);
    expect(digest(again)).toBe(digest(join));
  });
});
