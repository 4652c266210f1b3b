// The bench of a whole cluster: three control planes behind a load balancer and three workers, by each tool in turn.
import { openLab, type Lab } from '../lab/lab.ts';
import { clusterConfig, joinArguments, joinFlags, kbinit, over } from '../e2e/support.ts';
import { kubeadmInit, kubeadmJoin } from './kubeadm.ts';
import { median, timed, type Row } from './measure.ts';

const masters = ['master1', 'master2', 'master3'];
const workers = ['node1', 'node2', 'node3'];
const hosts = [...masters, ...workers, 'lb'];

/** The same sequence by both: init, the other control planes one after the other, the workers at once. */
export async function haRows(rounds: number, say: (text: string) => void): Promise<readonly Row[]> {
  const lab = await openLab({ prefix: 'bench-ha', subnet: '10.62.2.0/24', onProgress: () => undefined });
  const times = { ours: [] as number[], peer: [] as number[] };
  try {
    await lab.up(hosts);
    const config = await clusterConfig({ cluster: `controlPlaneEndpoint: ${lab.host('lb').address}:6443` });
    for (let round = 1; round <= rounds; round++) {
      times.ours.push(await byKbinit(lab, config));
      times.peer.push(await byKubeadm(lab, config));
      say(`3 + 3, round ${round}: kbinit ${times.ours.at(-1)?.toFixed(1)}, kubeadm ${times.peer.at(-1)?.toFixed(1)}`);
    }
  } finally {
    await lab.down();
  }
  const what = 'three control planes and three workers / kubeadm';
  return [{ what, ours: median(times.ours), peer: median(times.peer), bar: '≤ 0.7', unit: 's' }];
}

/** Fresh hosts, and the load balancer, which both tools need before they begin. */
async function prepare(lab: Lab): Promise<void> {
  await lab.recreate(hosts);
  const backends = masters.flatMap((name) => ['--backend', `${name}=${lab.host(name).address}`]);
  await run(lab, 'lb', ['lb', 'apply', ...backends]);
}

async function run(lab: Lab, host: string, args: readonly string[], stdin = ''): Promise<string> {
  const { code, stdout, stderr } = await kbinit([...args, ...over(lab, host)], { stdin });
  if (code !== 0) throw new Error(`kbinit ${args[0]} failed on ${host}:\n${stderr}`);
  return stdout;
}

async function byKbinit(lab: Lab, config: string): Promise<number> {
  await prepare(lab);
  return timed(async () => {
    const made = await run(lab, 'master1', ['init', '--config', config, '--upload-certs']);
    const wanted = joinArguments(made);
    const key = /--certificate-key ([0-9a-f]{64})/.exec(made)?.[1] ?? '';
    const controlPlane = [...joinFlags(wanted), '--control-plane', '--certificate-key', key];
    for (const host of masters.slice(1)) await run(lab, host, controlPlane, wanted.token);
    await Promise.all(workers.map((host) => run(lab, host, joinFlags(wanted), wanted.token)));
  });
}

async function byKubeadm(lab: Lab, config: string): Promise<number> {
  await prepare(lab);
  return timed(async () => {
    const { join, certificateKey } = await kubeadmInit(lab, 'master1', config, '--upload-certs');
    const controlPlane = `${join} --control-plane --certificate-key ${certificateKey}`;
    for (const host of masters.slice(1)) await kubeadmJoin(lab, host, controlPlane);
    await Promise.all(workers.map((host) => kubeadmJoin(lab, host, join)));
  });
}
