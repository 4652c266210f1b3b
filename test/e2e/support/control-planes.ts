// What tests of several control planes look at: etcd's members, and whether the cluster can be written all the while.
import type { ChildProcess } from 'node:child_process';
import type { Lab } from '../../lab/lab.ts';
import { kbinit, type KbinitResult } from '../support.ts';

export interface Member {
  readonly name: string;
  readonly peer: string;
  readonly isLearner: boolean;
}

interface MemberAnswer {
  readonly members: readonly {
    readonly name?: string;
    readonly peerURLs: readonly string[];
    readonly isLearner?: boolean;
  }[];
}

function isMemberAnswer(value: unknown): value is MemberAnswer {
  return typeof value === 'object' && value !== null && 'members' in value && Array.isArray(value.members);
}

/** The members as etcd on a host lists them, by peer URL. */
export async function etcdMembers(lab: Lab, host = 'master1'): Promise<readonly Member[]> {
  const pki = '/etc/kubernetes/pki/etcd';
  const { stdout, stderr } = await lab.exec(
    host,
    `curl -sS --max-time 5 --cacert ${pki}/ca.crt --cert ${pki}/healthcheck-client.crt --key ${pki}/healthcheck-client.key \
      -d '{}' https://127.0.0.1:2379/v3/cluster/member/list`,
  );
  const answer: unknown = stdout === '' ? undefined : JSON.parse(stdout);
  if (!isMemberAnswer(answer)) throw new Error(`etcd on ${host} lists no members: ${stdout}${stderr}`);
  return answer.members
    .map(({ name = '', peerURLs, isLearner = false }) => ({ name, peer: peerURLs[0] ?? '', isLearner }))
    .toSorted((a, b) => a.peer.localeCompare(b.peer));
}

export interface Watch {
  /** Ends it. `longestGap` are the seconds that the cluster could not be written at most. */
  readonly stop: () => Promise<{ readonly longestGap: number; readonly writes: number }>;
}

/** Write a ConfigMap through a host's API server twice a second until told to stop. */
export async function watchWrites(lab: Lab, host = 'master1'): Promise<Watch> {
  const script = `export KUBECONFIG=/etc/kubernetes/admin.conf; rm -f /tmp/written /tmp/stop-writing
kubectl create configmap probe >/dev/null 2>&1
while [ ! -e /tmp/stop-writing ]; do
  kubectl --request-timeout=3s annotate configmap probe at="$(date +%s%N)" --overwrite >/dev/null 2>&1 && date +%s.%N >>/tmp/written
  sleep 0.5
done
date +%s.%N >>/tmp/written`;
  const running = lab.exec(host, script, { timeoutSeconds: 600 });
  await lab.exec(host, 'until [ -s /tmp/written ]; do sleep 0.1; done', { timeoutSeconds: 20 });
  return {
    async stop() {
      await lab.exec(host, 'touch /tmp/stop-writing');
      await running;
      const { stdout } = await lab.exec(host, 'cat /tmp/written');
      const times = stdout.trim().split('\n').map(Number);
      const gaps = times.slice(1).map((time, index) => time - (times[index] ?? time));
      return { longestGap: Math.max(...gaps), writes: times.length };
    },
  };
}

/** Run kbinit and kill it with -9 as soon as a line of its progress fits. */
export function killedAt(args: readonly string[], line: RegExp): Promise<KbinitResult> {
  let process: ChildProcess | undefined;
  let text = '';
  return kbinit(args, {
    onStart: (child) => void (process = child),
    onProgress: (piece) => {
      text += piece;
      if (line.test(text)) process?.kill('SIGKILL');
    },
  });
}

/** Run a shell loop in a host until the returned function is called: faults that come and go. */
export function loopIn(lab: Lab, host: string, body: string, undo: string): () => Promise<void> {
  const flag = `/tmp/loop-${Math.random().toString(36).slice(2)}`;
  const running = lab.exec(host, `touch ${flag}; while [ -e ${flag} ]; do ${body}; done; ${undo}`, {
    timeoutSeconds: 600,
  });
  return async () => {
    await lab.exec(host, `rm -f ${flag}`);
    await running;
  };
}
