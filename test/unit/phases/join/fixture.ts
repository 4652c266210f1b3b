// A pretended cluster for discovery: a TLS server with a real PKI that shows cluster-info, and hosts that reach it.
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { openApi } from '../../../../src/cluster/client.ts';
import { detachedJws } from '../../../../src/certs/jws.ts';
import { ensurePki } from '../../../../src/certs/pki.ts';
import { loadJoin } from '../../../../src/config/load.ts';
import { completeJoin } from '../../../../src/config/complete.ts';
import type { JoinSpec } from '../../../../src/config/spec.ts';
import { clusterInfoKubeconfig } from '../../../../src/kubeconfig/kubeconfig.ts';
import type { JoinContext } from '../../../../src/phases/join/context.ts';
import type { RunEvent } from '../../../../src/report/events.ts';
import { systemClock } from '../../../../src/util/keygen.ts';
import { FakeHost, plainFacts, recordingReporter, type FakeHostOptions } from '../../../fakes/host.ts';
import { fixedRandomSource } from '../../../fakes/keys.ts';
import { fileOf, onDisk, pkiRequest, spec } from '../../certs/fixture.ts';

/** The port the server is asked on; the host's dial leads to the real one. */
export const endpoint = '192.168.3.129:6443';
export const token = 'abcdef.0123456789abcdef';
const [tokenId, tokenSecret] = ['abcdef', '0123456789abcdef'];

export interface Pki {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Two PKIs of different algorithms share nothing but their names. */
export async function pki(algorithm: 'ECDSA-P256' | 'ECDSA-P384', certSANs: readonly string[] = []): Promise<Pki> {
  const component = { extraArgs: [], extraVolumes: [], extraEnvs: [] };
  const cluster = { encryptionAlgorithm: algorithm, apiServer: { ...component, certSANs } } as const;
  const disk = onDisk(await ensurePki(pkiRequest(spec(cluster), { now: new Date() })));
  return { ca: fileOf(disk, 'ca.crt'), cert: fileOf(disk, 'apiserver.crt'), key: fileOf(disk, 'apiserver.key') };
}

/** An answer by path; what is not there is 404. */
export type Answers = Readonly<Record<string, (authorization: string) => string | Readonly<Answer>>>;

export interface Answer {
  readonly status: number;
  readonly body?: string;
  readonly location?: string;
}

/** A TLS server that ends with the test. */
export async function serve({ cert, key }: Pki, answers: Answers): Promise<number> {
  const server: Server = createServer({ cert, key }, (request, response) => {
    const path = request.url?.split('?')[0] ?? '';
    const found = answers[path]?.(request.headers.authorization ?? '') ?? { status: 404, body: '{}' };
    const answer: Answer = typeof found === 'string' ? { status: 200, body: found } : found;
    response.writeHead(answer.status, answer.location === undefined ? {} : { location: answer.location });
    response.end(answer.body ?? '');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return portOf(server.address());
}

function portOf(address: string | AddressInfo | null): number {
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}

export const clusterInfoPath = '/api/v1/namespaces/kube-public/configmaps/cluster-info';

/** The ConfigMap cluster-info as an API server shows it. */
export function clusterInfo(kubeconfig: string, signature: string | undefined): string {
  const data = { kubeconfig, ...(signature === undefined ? {} : { [`jws-kubeconfig-${tokenId}`]: signature }) };
  return JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'cluster-info' }, data });
}

/** A cluster-info that its own cluster has signed. */
export function signedInfo(ca: string, server = `https://${endpoint}`): string {
  const payload = clusterInfoKubeconfig({ server, ca });
  return clusterInfo(payload, detachedJws({ tokenId, tokenSecret, payload }));
}

/** What every cluster has for nodes: its configuration, for whoever is logged in. */
export function configMaps(): Answers {
  const map = (name: string, data: Readonly<Record<string, string>>) => (authorization: string) =>
    authorization === `Bearer ${token}`
      ? JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'kube-system' }, data })
      : { status: 401, body: '{}' };
  const base = '/api/v1/namespaces/kube-system/configmaps';
  return {
    [`${base}/kubeadm-config`]: map('kubeadm-config', {
      ClusterConfiguration: 'kubernetesVersion: v1.36.3\nclusterName: kubernetes\n',
    }),
    [`${base}/kubelet-config`]: map('kubelet-config', { kubelet: 'cgroupDriver: cgroupfs\n' }),
  };
}

export interface Join {
  readonly ctx: JoinContext;
  readonly host: FakeHost;
  readonly events: readonly RunEvent[];
}

/** A join from a host on which every `address:port` leads to a local port. */
export function joinFrom(
  flags: Parameters<typeof loadJoin>[2],
  ports: Readonly<Record<string, number>>,
  options: FakeHostOptions & { readonly timeoutSeconds?: number } = {},
): Join {
  const host = new FakeHost({
    ...options,
    name: 'node1',
    dial: async (address, port) => {
      const local = ports[`${address}:${port}`];
      if (local === undefined) throw new Error(`connect ECONNREFUSED ${address}:${port}`);
      return connect(local, '127.0.0.1');
    },
  });
  const reporter = recordingReporter();
  const { signal } = new AbortController();
  const settings = { patches: [], runner: { identity: 'test', isDead: () => false } };
  const ctx: JoinContext = {
    host,
    reporter,
    signal,
    chance: fixedRandomSource(),
    clock: systemClock,
    startedAt: new Date(),
    apis: {
      open: (credentials, { callSeconds = 1 } = {}) => {
        const api = openApi({
          ...credentials,
          dial: (a, p) => host.dial(a, p),
          host: host.name,
          reporter,
          signal,
          callSeconds,
        });
        onTestFinished(() => api.close());
        return api;
      },
    },
    etcds: {
      open: () => {
        throw new Error('discovery asks no etcd');
      },
    },
    ignorePreflightErrors: new Set(),
    resumeCommand: '',
    print: () => undefined,
    spec: specOf(flags, options.timeoutSeconds ?? 5),
    settings,
  };
  return { ctx, host, events: reporter.events };
}

function specOf(flags: Parameters<typeof loadJoin>[2], seconds: number): JoinSpec {
  const { spec: complete } = completeJoin(loadJoin(undefined, '', flags).draft, plainFacts);
  return { ...complete, timeouts: { ...complete.timeouts, discovery: seconds, kubernetesAPICall: 2 } };
}
