// A cluster of three control planes and a worker for the tests of `node remove`, run through master1.
import { readFileSync } from 'node:fs';
import type { KubeObject } from '../../../../src/cluster/types.ts';
import type { NodeRemoval, NodeRemoveContext } from '../../../../src/phases/node-remove/context.ts';
import { nodeRemovePhases } from '../../../../src/phases/node-remove/index.ts';
import { FakeApi } from '../../../fakes/api.ts';
import { FakeEtcd, three } from '../../../fakes/etcd.ts';
import { FakeHost, plainFacts, recordingReporter } from '../../../fakes/host.ts';
import { runContext } from '../../../fakes/run.ts';
import { fixedRandomSource } from '../../../fakes/keys.ts';

const golden = (name: string): string =>
  readFileSync(new URL(`../../../golden/v1.36.3/default/files/${name}.yaml`, import.meta.url), 'utf8').replaceAll(
    '192.168.3.129',
    '192.168.3.29',
  );
const adminConf = `apiVersion: v1
kind: Config
current-context: admin
contexts: [{name: admin, context: {cluster: k, user: admin}}]
clusters: [{name: k, cluster: {server: 'https://lb:6443', certificate-authority-data: Q0E=}}]
users: [{name: admin, user: {token: t}}]
`;
const pki = '/etc/kubernetes/pki/etcd';
export const master1Files: Readonly<Record<string, string>> = {
  '/etc/kubernetes/manifests/etcd.yaml': golden('etcd'),
  '/etc/kubernetes/manifests/kube-apiserver.yaml': golden('kube-apiserver'),
  '/etc/kubernetes/admin.conf': adminConf,
  [`${pki}/ca.crt`]: 'CA',
  [`${pki}/healthcheck-client.crt`]: 'CERT',
  [`${pki}/healthcheck-client.key`]: 'KEY',
};

const controlPlane = { 'node-role.kubernetes.io/control-plane': '' };

/** A Node that is Ready unless told otherwise. */
export function node(name: string, address: string, ready = 'True'): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: name.startsWith('master') ? controlPlane : {} },
    spec: {},
    status: { addresses: [{ type: 'InternalIP', address }], conditions: [{ type: 'Ready', status: ready }] },
  };
}

export const nodes: readonly KubeObject[] = [
  ...three.map(({ name, address }) => node(name, address)),
  node('node1', '192.168.3.27'),
];

/** A Pod on node1 that a ReplicaSet looks after, unless told otherwise. */
export function pod(
  name: string,
  change: {
    readonly on?: string;
    readonly owner?: string;
    readonly volumes?: unknown;
    readonly phase?: string;
    readonly mirror?: true;
  } = {},
): KubeObject {
  const { on = 'node1', owner = 'ReplicaSet', volumes, phase = 'Running', mirror } = change;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'default',
      uid: `uid-${name}`,
      ...(owner === '' ? {} : { ownerReferences: [{ kind: owner, controller: true }] }),
      ...(mirror === undefined ? {} : { annotations: { 'kubernetes.io/config.mirror': 'hash' } }),
    },
    spec: { nodeName: on, ...(volumes === undefined ? {} : { volumes }) },
    status: { phase },
  };
}

interface Case {
  readonly etcd?: FakeEtcd;
  readonly api?: FakeApi;
  readonly files?: Readonly<Record<string, string>>;
  readonly asks?: boolean;
  readonly spec?: Partial<NodeRemoval>;
}

interface Prepared {
  readonly ctx: NodeRemoveContext;
  readonly etcd: FakeEtcd;
  readonly api: FakeApi;
  readonly printed: string[];
  readonly questions: string[];
  warnings(): readonly string[];
  /** All phases in their order. */
  run(): Promise<readonly string[]>;
}

/** A run of `node remove NAME --yes` through master1. */
export function prepare(name: string, change: Case = {}): Prepared {
  const { etcd = new FakeEtcd(three, '192.168.3.29'), api = new FakeApi(nodes), files = master1Files } = change;
  const reporter = recordingReporter();
  const [printed, questions]: [string[], string[]] = [[], []];
  const ctx: NodeRemoveContext = {
    ...runContext(new FakeHost({ files, facts: { addresses: plainFacts.addresses } }), `kbinit node remove ${name}`),
    reporter,
    apis: api,
    etcds: etcd,
    chance: fixedRandomSource(),
    print: (text) => void printed.push(text),
    ask: async (question) => {
      questions.push(question);
      return change.asks === true;
    },
    spec: {
      name,
      isForced: false,
      isConfirmed: true,
      deletesEmptyDirData: false,
      drainSeconds: 0.2,
      kubeconfig: '/etc/kubernetes/admin.conf',
      skipPhases: [],
      isDryRun: false,
      ...change.spec,
    },
  };
  return {
    ctx,
    etcd,
    api,
    printed,
    questions,
    warnings: () => reporter.events.flatMap((event) => (event.kind === 'warning' ? [event.text] : [])),
    async run() {
      const outcomes: string[] = [];
      for (const phase of nodeRemovePhases) outcomes.push((await phase.run(ctx, [])) ?? 'done');
      return outcomes;
    },
  };
}
