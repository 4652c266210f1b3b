// A client's credentials from a kubeconfig on a host; what it only names by path is read on that host too.
import { posix } from 'node:path';
import { KbError } from '../../errors.ts';
import type { HostView } from '../../host/host.ts';
import { parseKubeconfig, type Credentials, type Source } from '../../kubeconfig/kubeconfig.ts';

/**
 * Server, CA and user of the current context, every file read.
 * @throws KbError KB_KUBECONFIG_MISSING, KB_KUBECONFIG_INVALID
 */
export async function hostClient(
  host: Pick<HostView, 'name' | 'read' | 'readAll'>,
  path: string,
): Promise<Credentials> {
  const text = await host.read(path);
  if (text === undefined) throw missing(host.name, path);
  const { server, ca, clientCertificate, clientKey, token } = parseKubeconfig(text, path);
  if (ca === undefined) throw unusable(host.name, path, 'its cluster has no CA certificate');
  const textOf = await namedFiles(host, posix.dirname(path), [ca, clientCertificate, clientKey], (file) =>
    unusable(host.name, path, `it names ${file}, which does not exist`),
  );
  const [clientCert, key] = [textOf(clientCertificate), textOf(clientKey)];
  return {
    server,
    ca: textOf(ca) ?? '',
    ...(clientCert === undefined ? {} : { clientCert }),
    ...(key === undefined ? {} : { clientKey: key }),
    ...(token === undefined ? {} : { token }),
  };
}

/**
 * Reads the files that parts of a kubeconfig are in, in one round trip, and gives what each part is.
 * A relative path counts from the kubeconfig's folder, as in client-go.
 * @throws what `absent` makes of a path that does not exist
 */
export async function namedFiles(
  host: Pick<HostView, 'readAll'>,
  folder: string,
  sources: readonly (Source | undefined)[],
  absent: (path: string) => Error,
): Promise<(source: Source | undefined) => string | undefined> {
  const pathOf = (path: string): string => posix.resolve(folder, path);
  const paths = sources.flatMap((source) => (source?.kind === 'file' ? [pathOf(source.path)] : []));
  const files = paths.length === 0 ? new Map<string, string>() : await host.readAll(paths);
  const gone = paths.find((path) => !files.has(path));
  if (gone !== undefined) throw absent(gone);
  return (source) => (source?.kind === 'file' ? files.get(pathOf(source.path)) : source?.text);
}

function missing(host: string, path: string): KbError {
  return new KbError({
    code: 'KB_KUBECONFIG_MISSING',
    summary: 'no kubeconfig found for the API server',
    host,
    detail: `${path} does not exist on ${host}`,
    fix: 'run this on a control plane (--host), or name the file with --kubeconfig',
  });
}

function unusable(host: string, path: string, found: string): KbError {
  return new KbError({
    code: 'KB_KUBECONFIG_INVALID',
    summary: 'a kubeconfig cannot be used',
    host,
    detail: `${path} cannot be used: ${found}`,
    fix: 'name another file with --kubeconfig',
  });
}
