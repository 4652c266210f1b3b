// The kubeconfig that discovery is to go by, from the joining host or an https URL, and who a node is with it.
import { posix } from 'node:path';
import { KbError } from '../../errors.ts';
import { paths } from '../../kube/paths.ts';
import { parseDiscoveryFile } from '../../kubeconfig/discovery-file.ts';
import type { FoundCluster, JoinContext } from './context.ts';
import { namedFiles } from '../cluster/host-client.ts';
import { readDiscoveryUrl, shownUrl } from './discovery-url.ts';

/** A discovery file with everything read that it names. */
export interface FoundFile {
  /** Path or URL, for messages. */
  readonly source: string;
  readonly server: string;
  readonly ca: string | undefined;
  /** Who to be: the file's own user, as far as it has one. */
  readonly user: Pick<FoundCluster, 'token' | 'clientCert' | 'clientKey'>;
  readonly otherLogins: readonly string[];
}

/** Read what `--discovery-file` names, and every file that it names itself. @throws KbError KB_DISCOVERY_FILE, KB_DISCOVERY_TLS */
export async function readFoundFile(ctx: JoinContext, place: string): Promise<FoundFile> {
  const isUrl = /^https:/i.test(place);
  const source = isUrl ? shownUrl(place) : `${place} on ${ctx.host.name}`;
  const text = isUrl ? await readDiscoveryUrl(ctx, place) : await readPath(ctx, place);
  const { server, ca, clientCertificate, clientKey, token, otherLogins } = parseDiscoveryFile(text, source);
  // A path in a file from elsewhere is one of the joining host, as with kubeadm.
  const folder = isUrl ? '/' : posix.dirname(place);
  const textOf = await namedFiles(ctx.host, folder, [ca, clientCertificate, clientKey, token], (path) =>
    unusable(ctx, `${source} names ${path}, which does not exist on ${ctx.host.name}`),
  );
  const [clientCert, key, bearer] = [textOf(clientCertificate), textOf(clientKey), textOf(token)?.trim()];
  const user = {
    ...(clientCert === undefined || key === undefined ? {} : { clientCert, clientKey: key }),
    ...(bearer === undefined || bearer === '' ? {} : { token: bearer }),
  };
  return { source, server, ca: textOf(ca), user, otherLogins };
}

/** A phase that has no flags for discovery goes by admin.conf (spec 01 §4.1). */
const adminHint =
  'control planes have that file once `kbinit join phase control-plane-prepare all` has run; on a worker configure discovery with --config';

async function readPath(ctx: JoinContext, path: string): Promise<string> {
  const text = await ctx.host.read(path);
  if (text === undefined) {
    const hint = path === paths.adminConf ? adminHint : undefined;
    throw unusable(ctx, `${path} does not exist on ${ctx.host.name}`, hint);
  }
  return text;
}

/** The token for TLS bootstrap, else what the file has to log in with. @throws KbError KB_DISCOVERY_CREDENTIALS */
export function loginOf(ctx: JoinContext, { source, user, otherLogins }: FoundFile): FoundFile['user'] {
  if (ctx.spec.tlsBootstrapToken !== undefined) return { token: ctx.spec.tlsBootstrapToken };
  if (user.token !== undefined || user.clientCert !== undefined) return user;
  const other = otherLogins.join(', ');
  throw noLogin(
    ctx,
    otherLogins.length === 0
      ? `${source} has neither a token nor a client certificate with its key, and no --tls-bootstrap-token is given`
      : `${source} logs in by ${other}, which kbinit cannot do, and no --tls-bootstrap-token is given`,
  );
}

function unusable(
  ctx: JoinContext,
  found: string,
  fix = 'put it there: files are read on the host that joins, not on the machine that runs kbinit',
): KbError {
  return new KbError({
    code: 'KB_DISCOVERY_FILE',
    summary: 'the discovery file cannot be read',
    host: ctx.host.name,
    detail: found,
    fix,
  });
}

/** @param found what the user has to know */
export function noLogin(ctx: JoinContext, found: string): KbError {
  return new KbError({
    code: 'KB_DISCOVERY_CREDENTIALS',
    summary: 'no credentials for the cluster',
    host: ctx.host.name,
    detail: found,
    fix: 'create a token (`kbinit token create --host root@CONTROL_PLANE`) and give it with --tls-bootstrap-token, or put it into the file',
  });
}
