// Runs a list of checks over one survey: warnings are told, ignored and explained errors too, the rest fail once.
import { KbError, type Problem } from '../errors.ts';
import type { HostView } from '../host/host.ts';
import type { Reporter } from '../report/events.ts';
import type { Check, CheckResult, Finding, Found } from './check.ts';
import { mergeQuestions, survey } from './survey.ts';

/** Check lists in order; when one batch has errors, the next is not judged (spec 03 §1). */
export type Batches = readonly (readonly Check[])[];

export interface PreflightRun {
  readonly host: HostView;
  readonly batches: Batches;
  /** Names for which errors are only told; any case; `all` means every one. */
  readonly ignore: readonly string[];
  readonly reporter: Reporter;
  readonly phase?: string | undefined;
  /** The reason why a finding is no news: an earlier init of the same spec made it so. */
  readonly isExplained?: ((finding: Finding) => string | undefined) | undefined;
  /** Gets what became of every check, also where the run then fails. */
  readonly onResults?: ((results: readonly CheckResult[]) => void) | undefined;
  /** What askFor has seen of the host already. */
  readonly found?: Found | undefined;
}

/** Ask a host what these checks want to know, in one round trip. @throws KbError KB_SURVEY */
export async function askFor(host: HostView, batches: Batches): Promise<Found> {
  const questions = mergeQuestions(batches.flat().map((check) => check.asks ?? {}));
  const [facts, seen] = await Promise.all([host.facts(), survey(host, questions)]);
  return { facts, survey: seen };
}

/** Judge the host, tell warnings and return them. @throws KbError KB_PREFLIGHT with one problem for each error */
export async function runChecks(run: PreflightRun): Promise<readonly Finding[]> {
  const seen = run.found ?? (await askFor(run.host, run.batches));
  const told: Finding[] = [];
  for (const batch of run.batches) {
    const findings = batch.flatMap((check) => check.run(seen));
    run.onResults?.(resultsOf(batch, findings, run));
    const { errors, warnings } = sortOut(findings, run);
    told.push(...warnings);
    if (errors.length > 0) throw preflightError(errors, run);
  }
  return told;
}

/** Judge what was seen, without telling anybody; batches after one with errors are not judged (spec 03 §1). */
export function judgeBatches(
  batches: Batches,
  found: Found,
  run: Pick<PreflightRun, 'ignore' | 'isExplained'>,
): readonly CheckResult[] {
  const all: CheckResult[] = [];
  for (const batch of batches) {
    const results = resultsOf(
      batch,
      batch.flatMap((check) => check.run(found)),
      run,
    );
    all.push(...results);
    if (results.some(({ outcome }) => outcome === 'error')) break;
  }
  return all;
}

/** What became of a batch: every finding, and the checks that had none. */
export function resultsOf(
  batch: readonly Pick<Check, 'name'>[],
  findings: readonly Finding[],
  run: Pick<PreflightRun, 'ignore' | 'isExplained'>,
): readonly CheckResult[] {
  const names = [...new Set([...batch.map(({ name }) => name), ...findings.map(({ name }) => name)])];
  return names.flatMap((name): readonly CheckResult[] => {
    const own = findings.filter((finding) => finding.name === name);
    return own.length === 0 ? [{ name, outcome: 'passed' }] : own.map((finding) => resultOf(finding, run));
  });
}

/** A finding as it is to be shown. */
function resultOf(finding: Finding, run: Pick<PreflightRun, 'ignore' | 'isExplained'>): CheckResult {
  const { name, level, text, fix } = finding;
  const reason = run.isExplained?.(finding);
  if (reason !== undefined) return { name, outcome: 'explained', text: `${text} (${reason})` };
  return { name, outcome: level === 'error' && isIgnored(name, run.ignore) ? 'ignored' : level, text, fix };
}

/** Tell what does not stop the run, return the rest. */
function sortOut(findings: readonly Finding[], run: PreflightRun): { errors: Finding[]; warnings: Finding[] } {
  const errors: Finding[] = [];
  const warnings: Finding[] = [];
  for (const finding of findings) {
    const reason = run.isExplained?.(finding);
    if (reason !== undefined) tellExplained(finding, reason, run);
    else if (finding.level === 'error' && !isIgnored(finding.name, run.ignore)) errors.push(finding);
    else {
      tellWarning(finding, run);
      warnings.push(finding);
    }
  }
  return { errors, warnings };
}

/** True when a check's errors are only to be told. */
export function isIgnored(name: string, ignore: readonly string[]): boolean {
  const names = ignore.map((n) => n.trim().toLowerCase());
  return names.includes('all') || names.includes(name.toLowerCase());
}

/** Where findings are told. */
interface Telling {
  readonly host: Pick<HostView, 'name'>;
  readonly reporter: Reporter;
  readonly phase?: string | undefined;
}

function tellExplained(finding: Finding, reason: string, run: Telling): void {
  run.reporter.emit({
    kind: 'step',
    host: run.host.name,
    phase: run.phase ?? 'preflight',
    text: `${finding.name}: ${finding.text} (${reason})`,
  });
}

/** Tell what does not stop the run. */
export function tellWarning(finding: Finding, run: Telling): void {
  const ignored = finding.level === 'error' ? ' (ignored)' : '';
  run.reporter.emit({
    kind: 'warning',
    host: run.host.name,
    phase: run.phase ?? 'preflight',
    name: finding.name,
    text: `${finding.text}${ignored}; ${finding.fix}`,
  });
}

/** One failure that lists every error as its own problem. */
export function preflightError(errors: readonly Finding[], run: Omit<Telling, 'reporter'>): KbError {
  return new KbError(
    errors.map((finding): Problem => ({
      code: 'KB_PREFLIGHT',
      summary: finding.name,
      phase: run.phase ?? 'preflight',
      host: run.host.name,
      detail: finding.text,
      fix: `${finding.fix} (or --ignore-preflight-errors=${finding.name})`,
    })),
  );
}
