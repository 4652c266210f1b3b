import { expect, test } from 'vitest';
import type { Api } from '../../../../src/cluster/types.ts';
import { paths } from '../../../../src/kube/paths.ts';
import { parseVersion } from '../../../../src/kube/version.ts';
import { bootstrapKubeconfig } from '../../../../src/kubeconfig/kubeconfig.ts';
import type { JoinContext } from '../../../../src/phases/join/context.ts';
import { kubeletWaitBootstrap } from '../../../../src/phases/join/kubelet-wait-bootstrap.ts';
import type { FakeHost } from '../../../fakes/host.ts';
import { endpoint, joinFrom, token } from './fixture.ts';

const server = `https://${endpoint}`;
const bootstrap = bootstrapKubeconfig({ server, ca: 'CA', token });

/** A join whose kubelet was just started, in a cluster that knows its node or does not. */
function waiting(files: Readonly<Record<string, string>>, isRegistered: boolean): { ctx: JoinContext; host: FakeHost } {
  const flags = { apiServerEndpoint: endpoint, token, discoveryTokenUnsafeSkipCaVerification: true };
  const { ctx, host } = joinFrom(
    flags,
    {},
    {
      files: { [paths.bootstrapKubeletConf]: bootstrap, ...files },
      replies: [[/./, '']],
    },
  );
  const version = parseVersion('v1.36.3');
  if (version === undefined) throw new Error('no version');
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'master1' } };
  const api: Api = { ...ctx.apis.open({ server }), get: async () => (isRegistered ? node : undefined) };
  const kubelet = { isUserSupplied: false, document: {} };
  const discovered = {
    credentials: { server, ca: 'CA', token },
    api,
    clusterName: 'kubernetes',
    cluster: { version, featureGates: {}, imageRepository: '', kubelet },
  };
  const timeouts = { ...ctx.spec.timeouts, tlsBootstrap: 0.2 };
  return { ctx: { ...ctx, spec: { ...ctx.spec, timeouts }, discovered: Promise.resolve(discovered) }, host };
}

test('the bootstrap token is removed when the kubelet has its own credentials and the node is there', async () => {
  const { ctx, host } = waiting({ [paths.kubeletConf]: bootstrap }, true);
  await kubeletWaitBootstrap.run(ctx, []);
  expect([...host.files.keys()]).toEqual([paths.kubeletConf]);
});

test.each([
  ['the kubelet gets no credentials', {}, true],
  ['the node is not registered', { [paths.kubeletConf]: bootstrap }, false],
])('the bootstrap token is removed too when %s in time', async (_, files, isRegistered) => {
  const { ctx, host } = waiting(files, isRegistered);
  await expect(kubeletWaitBootstrap.run(ctx, [])).rejects.toMatchObject({
    problems: [{ code: 'KB_KUBELET_NOT_HEALTHY' }],
  });
  expect(host.files.has(paths.bootstrapKubeletConf)).toBe(false);
});

test('an interrupted wait leaves the token: the same command goes on with it', async () => {
  const { ctx, host } = waiting({}, true);
  const stopped: JoinContext = { ...ctx, signal: AbortSignal.abort() };
  await expect(kubeletWaitBootstrap.run(stopped, [])).rejects.toMatchObject({ problems: [{ code: 'KB_INTERRUPTED' }] });
  expect(host.files.has(paths.bootstrapKubeletConf)).toBe(true);
});
