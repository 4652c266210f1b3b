// ImagePull: which images a host lacks, and fetching them through the container runtime (spec 03 §7).
import type { ImagePullPolicy } from '../config/spec.ts';
import { lacksCri, serveCri } from '../kube/cri.ts';
import type { Host, HostView } from '../host/host.ts';
import { listImages, pullImage } from '../host/runtime.ts';
import type { Reporter } from '../report/events.ts';
import { count } from '../util/text.ts';
import { error, type CheckResult, type Finding } from './check.ts';
import { isIgnored, preflightError, resultsOf, tellWarning } from './run.ts';

const name = 'ImagePull';

/** kubeadm tries an image five times without a pause. */
const attempts = 5;
/** A pull has no deadline of its own in kubeadm; this one only keeps a dead runtime from holding the run for ever. */
const pullSeconds = 3600;
/** A failure this slow was a network that does not answer: asking again only makes the user wait (R36). */
const slowFailureSeconds = 5;

type PullingHost = Pick<Host, 'name' | 'probe' | 'run'>;

export interface PullRequest {
  readonly host: PullingHost;
  readonly reporter: Reporter;
  readonly phase?: string;
  readonly images: readonly string[];
  /** unix:///… */
  readonly criSocket: string;
  readonly policy: ImagePullPolicy;
  readonly isSerial: boolean;
  /** Names of --ignore-preflight-errors. */
  readonly ignore: readonly string[];
  readonly signal?: AbortSignal;
  /** Gets what became of ImagePull. */
  readonly onResults?: ((results: readonly CheckResult[]) => void) | undefined;
  /** Seconds on a clock; for tests. */
  readonly now?: () => number;
}

/** A pull that did not work, with the runtime's last words. */
interface FailedPull {
  readonly image: string;
  readonly reason: string;
  readonly isUnreachable: boolean;
}

const unreachable =
  /no such host|i\/o timeout|connection refused|connection timed out|network is unreachable|no route to host|server misbehaving|TLS handshake timeout|context deadline exceeded/i;

/** Names in the form that runtimes list: docker.io is written out. */
function canonical(image: string): string {
  const [first = '', second] = image.split('/');
  if (second === undefined) return `docker.io/library/${image}`;
  return /[.:]/.test(first) || first === 'localhost' ? image : `docker.io/${image}`;
}

/** Every `repo:tag` and `repo@digest` of the answer, JSON (crictl) or lines (ctr). */
function parseImageList(output: string): ReadonlySet<string> {
  const start = output.indexOf('{');
  if (start < 0) return new Set(output.split('\n').filter((line) => line !== ''));
  return new Set([...output.matchAll(/"([^"\s]+[:@][^"\s]+)"/g)].map((match) => match[1] ?? ''));
}

/** Which of the images the host does not have; a finding when the runtime can't be asked. */
export async function missingImages(
  host: Pick<HostView, 'probe'>,
  criSocket: string,
  images: readonly string[],
): Promise<readonly string[] | Finding> {
  const answer = await host.probe(listImages(criSocket));
  if (answer.code !== 0) {
    const text = `the images of ${criSocket} could not be listed: ${lastLine(answer.stderr)}`;
    const fix = 'start the container runtime; crictl (or ctr with containerd) must be installed';
    return error(name, text, lacksCri.test(answer.stderr) ? serveCri : fix);
  }
  const present = parseImageList(answer.stdout);
  return images.filter((image) => !present.has(image) && !present.has(canonical(image)));
}

/** Have the images on the host as the policy asks; returns those that were pulled. @throws KbError KB_PREFLIGHT */
export async function ensureImages(request: PullRequest): Promise<readonly string[]> {
  const pulled = request.policy === 'Never' ? [] : await pullMissing(request);
  if (pulled !== 'ignored') request.onResults?.([{ name, outcome: 'passed' }]);
  return pulled === 'ignored' ? [] : pulled;
}

async function pullMissing(request: PullRequest): Promise<readonly string[] | 'ignored'> {
  const { host, images, criSocket, policy } = request;
  const wanted = policy === 'Always' ? images : await missingImages(host, criSocket, images);
  if (!isList(wanted)) return settle(wanted, request);
  if (wanted.length === 0) return [];
  const phase = request.phase ?? 'preflight';
  request.reporter.emit({ kind: 'step', host: host.name, phase, text: `pulling ${count(wanted.length, 'image')}` });
  const failed = request.isSerial ? await pullInTurn(wanted, request) : await pullAtOnce(wanted, request);
  return failed.length === 0 ? wanted : settle(imagePullFinding(failed), request);
}

function isList(value: readonly string[] | Finding): value is readonly string[] {
  return Array.isArray(value);
}

/** Tell the finding when it is ignored. @throws KbError KB_PREFLIGHT when it is not */
function settle(finding: Finding, request: PullRequest): 'ignored' {
  const { host, reporter, phase } = request;
  request.onResults?.(resultsOf([], [finding], request));
  if (!isIgnored(name, request.ignore)) throw preflightError([finding], { host, phase });
  tellWarning(finding, { host, reporter, phase });
  return 'ignored';
}

/** Once a registry did not answer at all, its other images are not waited for. */
async function pullInTurn(images: readonly string[], request: PullRequest): Promise<readonly FailedPull[]> {
  const failed: FailedPull[] = [];
  for (const image of images) {
    const silent = failed.find((f) => f.isUnreachable && registryOf(f.image) === registryOf(image));
    const failure = silent === undefined ? await pull(image, request) : { ...silent, image };
    if (failure !== undefined) failed.push(failure);
  }
  return failed;
}

async function pullAtOnce(images: readonly string[], request: PullRequest): Promise<readonly FailedPull[]> {
  const results = await Promise.all(images.map((image) => pull(image, request)));
  return results.filter((failure) => failure !== undefined);
}

async function pull(image: string, request: PullRequest): Promise<FailedPull | undefined> {
  const now = request.now ?? (() => performance.now() / 1000);
  let failure: FailedPull | undefined;
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const start = now();
    const answer = await request.host.run(pullImage(request.criSocket, image), `pull ${image}`, {
      timeoutSeconds: pullSeconds,
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    });
    if (answer.code === 0) return undefined;
    const reason = lastLine(answer.stderr) || lastLine(answer.stdout) || `exit code ${answer.code}`;
    failure = { image, reason, isUnreachable: unreachable.test(answer.stderr + answer.stdout) };
    if (failure.isUnreachable && now() - start >= slowFailureSeconds) break;
  }
  return failure;
}

function registryOf(image: string): string {
  return canonical(image).split('/')[0] ?? '';
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}

/** The failures as one finding that lists every image (R36). */
function imagePullFinding(failed: readonly FailedPull[]): Finding {
  const names = failed.map((f) => f.image).join(', ');
  const reason = failed[0]?.reason ?? '';
  const text = `the host lacks ${names}, and pulling failed: ${reason}`;
  if (lacksCri.test(reason)) return error(name, text, serveCri);
  return error(name, text, 'make the registry reachable, set imageRepository, or import the images on the host');
}
