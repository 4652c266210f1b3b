// What `kbinit kubeconfig get` does: read an admin kubeconfig on a control plane, check it, write it here.
import { resolve } from 'node:path';
import { KbError } from '../../errors.ts';
import type { HostView } from '../../host/host.ts';
import { quote } from '../../host/shell.ts';
import { paths } from '../../kube/paths.ts';
import { fetchedKubeconfig, hostOfUrl, readServerUrl, type Fetched } from '../../kubeconfig/fetched.ts';
import { parseKubeconfig } from '../../kubeconfig/kubeconfig.ts';
import { hostClient } from '../../phases/cluster/host-client.ts';
import { readLocalText } from '../../util/local-file.ts';
import { joinHostPort } from '../../util/net.ts';
import { writePrivateFile } from '../run/private-file.ts';
import { unreachableFromHere } from '../run/server-probe.ts';
import { withSession, type ConnectionOptions, type Session } from '../run/session.ts';

export interface KubeconfigGetOptions extends ConnectionOptions {
  readonly output?: string;
  readonly force?: boolean;
  readonly server?: string;
  readonly name?: 'admin.conf' | 'super-admin.conf';
}

/** Fetch it. @throws KbError KB_CONFIG for a bad --server, ReportedError for a failed run */
export async function runKubeconfigGet(options: KubeconfigGetOptions): Promise<void> {
  const { server, output, force } = options;
  if (server !== undefined && readServerUrl(server) === undefined) throw badServer(server);
  await withSession('kubeconfig get', options, 'read', async (session) => {
    const path = `${paths.kubernetes}/${options.name ?? 'admin.conf'}`;
    const credentials = await hostClient(session.host, path);
    const names = parseKubeconfig((await session.host.read(path)) ?? '', path);
    const given = server === undefined ? {} : { server };
    const fetched = fetchedKubeconfig({ host: session.host.name, path, credentials, names, ...given });
    if (output === undefined || output === '-') session.print(fetched.text);
    else await writeHere(session, resolve(output), fetched.text, force === true);
    await tellWhetherReachable(session, fetched, output);
  });
}

function textOf(path: string): string | undefined {
  try {
    return readLocalText(path);
  } catch {
    return undefined;
  }
}

async function writeHere(
  { reporter, host }: Session<HostView>,
  path: string,
  body: string,
  replaces: boolean,
): Promise<void> {
  const tell = (outcome: 'created' | 'updated' | 'unchanged'): void =>
    reporter.emit({ kind: 'file', host: host.name, path, outcome });
  const before = textOf(path);
  if (before === body) return tell('unchanged');
  const fix = 'name another file with -o';
  if (await writePrivateFile({ path, body, replaces, fix })) return tell(before === undefined ? 'created' : 'updated');
  throw new KbError({
    code: 'KB_FILE_EXISTS',
    summary: 'the kubeconfig was not written: the file exists',
    detail: `${path} exists and has other content; it may hold the access to other clusters`,
    fix: `name a new file with -o and use it with KUBECONFIG=FILE, or add --force to replace ${path}`,
  });
}

/** Which way there is to the API server, where the file's own is none from here. */
async function tellWhetherReachable(
  session: Session<HostView>,
  fetched: Fetched,
  output: string | undefined,
): Promise<void> {
  const { host, reporter, operator, reachedAddress } = session;
  const { server, ca, serverName } = fetched;
  const found = await unreachableFromHere(server, ca, serverName);
  if (found === undefined) return;
  const url = new URL(server);
  const port = url.port === '' ? 443 : Number(url.port);
  const again = (other: string): string =>
    `\`kbinit kubeconfig get --server ${other}${output === undefined ? '' : ` -o ${quote(output)} --force`}\``;
  const ways: string[] = [];
  if (operator !== undefined) {
    const direct = reachedAddress === undefined ? undefined : `https://${joinHostPort(reachedAddress, port)}`;
    const isDirect =
      direct !== undefined &&
      direct !== server &&
      (await unreachableFromHere(direct, ca, hostOfUrl(new URL(direct)))) === undefined;
    if (isDirect) ways.push(`${direct} answers: ${again(direct)}`);
    const target = joinHostPort(hostOfUrl(url), port);
    ways.push(
      `open a tunnel (\`ssh -N -L ${port}:${target} ${operator.host}\`) and use ${again(`https://127.0.0.1:${port}`)}`,
    );
  }
  reporter.emit({
    kind: 'warning',
    host: host.name,
    text: `the API server ${server} does not answer this machine (${found}); ${['open the way to it', ...ways].join(', or ')}`,
  });
}

function badServer(server: string): KbError {
  return new KbError({
    code: 'KB_CONFIG',
    summary: 'invalid --server',
    detail: `${JSON.stringify(server)} is not https://HOST:PORT`,
    fix: 'write for example https://192.168.3.29:6443',
  });
}
