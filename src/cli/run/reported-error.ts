// The end of a run whose failure the user has seen already.

/** An ended run whose failure has been shown; only its exit code is left. */
export class ReportedError extends Error {
  readonly exitCode: number;
  constructor(code: number) {
    super(`exit ${code}`);
    this.exitCode = code;
  }
}
