// What a preflight check is: a name that kubeadm's users know, what it asks of the host, and a pure judgement.
import type { HostFacts } from '../host/host.ts';
import type { Questions } from './survey.ts';
import type { Listener, Survey } from './survey-parse.ts';

/** What a finding is about, for a caller that can tell an own leftover from a stranger's. */
export type Subject =
  | { readonly kind: 'path'; readonly path: string }
  /** What a network of Pods leaves; also that of a cluster which this very run goes on with. */
  | { readonly kind: 'leftovers' }
  | {
      readonly kind: 'port';
      readonly port: number;
      readonly listener: Listener;
      /** The Kubernetes component this port is meant for. */
      readonly component: string;
      /** True when that very component is the one that listens. */
      readonly isOwnComponent: boolean;
    };

/** Something a check saw. Errors stop the run unless they are ignored by name or explained. */
export interface Finding {
  readonly name: string;
  readonly level: 'error' | 'warning';
  /** What was found. */
  readonly text: string;
  /** What to do about it. */
  readonly fix: string;
  readonly about?: Subject;
}

/** What became of a check: a finding, or nothing to tell. `ignored` and `explained` are errors that do not stop the run. */
export interface CheckResult {
  readonly name: string;
  readonly outcome: 'passed' | 'warning' | 'error' | 'ignored' | 'explained';
  /** What was found; absent where the check passed. */
  readonly text?: string;
  /** What to do about it. */
  readonly fix?: string;
}

/** All that a check may look at: the one survey of the host and its facts. */
export interface Found {
  readonly survey: Survey;
  readonly facts: HostFacts;
}

/** A check: a value. `asks` becomes part of the one survey of the host; `run` only judges what was seen. */
export interface Check {
  /** As accepted by --ignore-preflight-errors (spec 03 §2–§4). */
  readonly name: string;
  readonly asks?: Questions;
  readonly run: (found: Found) => readonly Finding[];
}

/** A finding that stops the run. */
export function error(name: string, text: string, fix: string, about?: Subject): Finding {
  return { name, level: 'error', text, fix, ...(about === undefined ? {} : { about }) };
}

/** A finding that is only told. */
export function warning(name: string, text: string, fix: string, about?: Subject): Finding {
  return { ...error(name, text, fix, about), level: 'warning' };
}
