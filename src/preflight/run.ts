// Runs a list of checks over one survey: warnings are told, ignored and explained errors too, the rest fail once.
import { KbError, type Problem } from '../errors.ts';
import type { HostView } from '../host/host.ts';
import type { Reporter } from '../report/events.ts';
import type { Check, Finding } from './check.ts';
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
}

/** Judge the host, tell warnings and return them. @throws KbError KB_PREFLIGHT with one problem for each error */
export async function runChecks(run: PreflightRun): Promise<readonly Finding[]> {
  const questions = mergeQuestions(run.batches.flat().map((check) => check.asks ?? {}));
  const [facts, seen] = await Promise.all([run.host.facts(), survey(run.host, questions)]);
  const told: Finding[] = [];
  for (const batch of run.batches) {
    const findings = batch.flatMap((check) => check.run({ facts, survey: seen }));
    const { errors, warnings } = sortOut(findings, run);
    told.push(...warnings);
    if (errors.length > 0) throw preflightError(errors, run);
  }
  return told;
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
