// A Pod on every node that serves its name and asks questions, and a Service in front of them all.
import { imageNames, type Lab } from '../../lab/lab.ts';

/** What to apply. */
export const netcheck: string = JSON.stringify({
  apiVersion: 'v1',
  kind: 'List',
  items: [
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'netcheck', namespace: 'default' },
      spec: {
        selector: { matchLabels: { app: 'netcheck' } },
        template: {
          metadata: { labels: { app: 'netcheck' } },
          spec: {
            tolerations: [{ operator: 'Exists' }],
            containers: [{ name: 'netcheck', image: imageNames.netcheck, imagePullPolicy: 'Never' }],
          },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'netcheck', namespace: 'default' },
      spec: { selector: { app: 'netcheck' }, ports: [{ port: 80, targetPort: 8080 }] },
    },
  ],
});

export interface Pod {
  readonly name: string;
  readonly node: string;
  readonly address: string;
}

/** The Pods of a selector whose containers are ready. */
export async function readyPods(lab: Lab, selector: string): Promise<readonly Pod[]> {
  const columns = '{.metadata.name} {.spec.nodeName} {.status.podIP} {.status.containerStatuses[0].ready}';
  const output = `jsonpath={range .items[*]}${columns}{"\\n"}{end}`;
  const { stdout } = await lab.kubectl(['get', 'pods', '--all-namespaces', '-l', selector, '-o', output]);
  return stdout
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, , , ready]) => ready === 'true')
    .map(([name = '', node = '', address = '']) => ({ name, node, address }));
}

/** What netcheck in a Pod says to a question of its own. */
export async function askPod(lab: Lab, pod: Pod, ...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await lab.kubectl(['exec', pod.name, '--', '/netcheck', ...words]);
  if (code !== 0) throw new Error(`netcheck ${words.join(' ')} on ${pod.node}: ${stdout}${stderr}`);
  return stdout.trim();
}

/** The address of a Service. */
export async function serviceAddress(lab: Lab, namespace: string, name: string): Promise<string> {
  const { stdout } = await lab.kubectl(['-n', namespace, 'get', 'service', name, '-o', 'jsonpath={.spec.clusterIP}']);
  return stdout;
}
