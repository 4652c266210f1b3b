// What a run tells about itself: a union of events. Phases emit, views (tty, plain, json, log file) render.
import type { Problem } from '../errors.ts';
import type { Op } from '../plan/op.ts';

export type RunEvent =
  | {
      readonly kind: 'run-start';
      readonly command: string;
      readonly hosts: readonly string[];
      /** Where the machine that kbinit runs on is changed: what it is called. */
      readonly machine?: string;
      /** What the run may go through, as far as that is known. */
      readonly phases?: readonly string[];
      /** Nothing is changed, only planned. */
      readonly isDryRun?: true;
      readonly logPath?: string;
    }
  | { readonly kind: 'run-end'; readonly exitCode: number; readonly seconds: number }
  | { readonly kind: 'phase-start'; readonly phase: string; readonly host: string; readonly summary: string }
  | {
      readonly kind: 'phase-end';
      readonly phase: string;
      readonly host: string;
      readonly outcome: 'done' | 'unchanged' | 'skipped' | 'failed';
      /** Why it was skipped. */
      readonly reason?: string;
      readonly seconds: number;
    }
  /** A sentence of progress inside a phase. */
  | { readonly kind: 'step'; readonly host: string; readonly phase?: string; readonly text: string }
  | {
      readonly kind: 'warning';
      readonly host: string;
      readonly phase?: string;
      readonly name?: string;
      readonly text: string;
    }
  | {
      readonly kind: 'file';
      readonly host: string;
      readonly path: string;
      readonly outcome: 'created' | 'updated' | 'unchanged' | 'removed';
    }
  | {
      readonly kind: 'object';
      readonly host: string;
      readonly object: string;
      readonly outcome: 'created' | 'updated' | 'unchanged' | 'deleted';
    }
  /** A remote command that ended; for the log file only. */
  | {
      readonly kind: 'command';
      readonly host: string;
      readonly command: string;
      readonly why?: string;
      readonly code: number;
      readonly seconds: number;
      readonly stdout?: string;
      readonly stderr?: string;
    }
  /** An API call that ended; for the log file only. */
  | {
      readonly kind: 'request';
      readonly host: string;
      readonly method: string;
      readonly path: string;
      readonly status: number;
      readonly seconds: number;
    }
  /** What a wait is waiting for and the last answer it got. */
  | {
      readonly kind: 'waiting';
      readonly host: string;
      readonly phase?: string;
      readonly what: string;
      readonly last: string;
      /** What is known of it besides that answer: how often it ended, and why. */
      readonly state?: string;
    }
  | ({ readonly kind: 'plan' } & PlannedChange)
  | { readonly kind: 'problem'; readonly problem: Problem };

/** One item of a dry run's plan: what would be done and, where it is no secret, the content. */
export interface PlannedChange {
  readonly host: string;
  /** `run` is a command, `keep` what is there already and right, `note` a remark about the plan. */
  readonly action: 'create' | 'change' | 'delete' | 'run' | 'keep' | 'note';
  readonly text: string;
  /** What it will hold, or how it changes, for a person. */
  readonly content?: string;
  /** The operation that the text says; nothing is done for `keep` and `note`. */
  readonly op?: Op;
}

export interface Reporter {
  emit(event: RunEvent): void;
}
