// A discovery file behind an https URL: fetched once from the joining host, redirects followed, http refused (R69).
import { KbError } from '../../errors.ts';
import { isCertificateError } from '../../util/tls-error.ts';
import type { RunContext } from '../context.ts';
import { httpsGet, type HttpsAnswer } from './https-get.ts';

/** As many as Go's client follows. */
const mostRedirects = 10;

/**
 * The text behind the URL.
 * @throws KbError KB_DISCOVERY_TLS when the server is not trusted, KB_DISCOVERY_FILE when it has no such file
 */
export async function readDiscoveryUrl(ctx: Pick<RunContext, 'host' | 'signal'>, text: string): Promise<string> {
  let url = new URL(text);
  for (let redirects = 0; redirects <= mostRedirects; redirects++) {
    const { status, body, location } = await look(ctx, url);
    if (status === 200) return body;
    if (status < 300 || status >= 400 || location === undefined) throw unavailable(ctx, url, `HTTP ${status}`);
    url = redirected(ctx, url, location);
  }
  throw unavailable(ctx, url, `more than ${mostRedirects} redirects`);
}

/** A URL without what may be secret in it: login and query. */
export function shownUrl(text: string): string {
  const { protocol, host, pathname } = new URL(text);
  return `${protocol}//${host}${pathname}`;
}

async function look(ctx: Pick<RunContext, 'host' | 'signal'>, url: URL): Promise<HttpsAnswer> {
  try {
    return await httpsGet(ctx, url);
  } catch (error) {
    if (ctx.signal.aborted || error instanceof KbError) throw error;
    if (isCertificateError(error)) throw untrusted(ctx, url, error.message);
    throw unavailable(ctx, url, error instanceof Error ? error.message : String(error));
  }
}

/** The next URL; a login in this one is not carried over. */
function redirected(ctx: Pick<RunContext, 'host'>, from: URL, location: string): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from.href) : undefined;
  if (to?.protocol === 'https:') return to;
  const where = to === undefined ? 'no URL' : to.protocol.replace(/:$/, '');
  throw new KbError({
    code: 'KB_DISCOVERY_FILE',
    summary: 'the discovery file is somewhere that is not https',
    host: ctx.host.name,
    detail: `${shownUrl(from.href)} leads to ${where}: the connection could be intercepted`,
    fix: 'give the https URL that the file is really at, or a path on the joining host',
  });
}

function untrusted(ctx: Pick<RunContext, 'host'>, url: URL, found: string): KbError {
  return new KbError({
    code: 'KB_DISCOVERY_TLS',
    summary: 'the server of the discovery file is not trusted',
    host: ctx.host.name,
    detail: `the certificate of ${shownUrl(url.href)} is refused by the CAs that ${ctx.host.name} trusts: ${found}`,
    fix: `install the CA of that server on ${ctx.host.name} (update-ca-certificates or update-ca-trust); if it should be trusted already, somebody else answers: do not join`,
  });
}

function unavailable(ctx: Pick<RunContext, 'host'>, url: URL, found: string): KbError {
  return new KbError({
    code: 'KB_DISCOVERY_FILE',
    summary: 'the discovery file cannot be fetched',
    host: ctx.host.name,
    detail: `${shownUrl(url.href)}, asked from ${ctx.host.name}: ${found}`,
    fix: `check the URL and that ${ctx.host.name} reaches it, or copy the file to the host and name its path`,
  });
}
