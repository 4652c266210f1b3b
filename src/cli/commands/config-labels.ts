// Looks up what a label like `stable-1` stands for now; a short try, because whoever is offline must not wait.
import { Resolver } from 'node:dns';
import { get } from 'node:https';
import type { LookupFunction } from 'node:net';
import { labelIn, type VersionLabels } from '../../config/version.ts';
import { builtInVersion, labelFile, newestStableLabel, readLabelAnswer } from '../../kube/labels.ts';
import { formatVersion, type KubeVersion } from '../../kube/version.ts';

/** Where the project publishes which release is the newest (kubeadm app/util/version.go). */
const releases = 'https://dl.k8s.io/release';

/** kubeadm gives one request ten seconds; here all of it must be over by then. */
const patienceSeconds = 8;

/** The body of an answer with status 200. @throws Error with the reason */
export type Fetch = (url: string, signal: AbortSignal) => Promise<string>;

/**
 * The version behind the label that the flag or the file names, if any. Without an answer it is the newest that kbinit
 * knows of it, and `warn` is told.
 */
export async function lookUpLabels(
  text: string | Uint8Array | undefined,
  flag: string | undefined,
  warn: (message: string) => void,
  fetch: Fetch = fetchText,
): Promise<VersionLabels> {
  const label = labelIn(text, flag);
  return label === undefined ? new Map() : new Map([[label, await lookUp(label, warn, fetch)]]);
}

async function lookUp(label: string, warn: (message: string) => void, fetch: Fetch): Promise<KubeVersion> {
  const signal = AbortSignal.timeout(patienceSeconds * 1000);
  const ask = async (name: string): Promise<ReturnType<typeof readLabelAnswer>> =>
    readLabelAnswer(await fetch(`${releases}/${labelFile(name)}`, signal));
  let reason = 'the answer is not a version';
  try {
    const first = await ask(label);
    // A cluster of a minor that kbinit does not know would be a guess.
    const answer = first === 'tooNew' ? await ask(newestStableLabel()) : first;
    if (answer !== undefined && answer !== 'tooNew') return answer;
  } catch (error) {
    reason = signal.aborted ? `no answer within ${patienceSeconds} s` : messageOf(error);
  }
  const version = builtInVersion(label);
  warn(`could not look up which version ${label} is (${reason}); using ${formatVersion(version)}, which kbinit knows`);
  return version;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Every name server's answer can be given up, which the system's own resolver does not allow: it would hold the program up. */
function patientLookup(signal: AbortSignal): LookupFunction {
  const resolver = new Resolver({ timeout: 2000, tries: 1 });
  signal.addEventListener('abort', () => resolver.cancel(), { once: true });
  return (name, { all }, done) => {
    resolver.resolve4(name, (error, addresses) => {
      const [first = ''] = addresses ?? [];
      if (error !== null) done(error, '', 4);
      else if (all === true) {
        done(
          null,
          addresses.map((address) => ({ address, family: 4 })),
        );
      } else done(null, first, 4);
    });
  };
}

/** GET, following one redirect: that is how the releases are published. */
function fetchText(url: string, signal: AbortSignal, redirects = 1): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { signal, lookup: patientLookup(signal), agent: false }, (response) => {
      const { statusCode = 0, headers } = response;
      if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined && redirects > 0) {
        response.resume();
        resolve(fetchText(new URL(headers.location, url).href, signal, redirects - 1));
        return;
      }
      if (statusCode !== 200) {
        response.resume();
        reject(new Error(`status ${statusCode}`));
        return;
      }
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
        // A version is a line; a page of a captive portal is not worth reading.
        if (body.length > 1000) request.destroy(new Error('the answer is not a version'));
      });
      response.once('end', () => resolve(body));
      response.once('error', reject);
    });
    request.once('error', reject);
  });
}
