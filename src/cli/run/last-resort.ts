// What nobody caught: it ends a run as any other failure does, with its problem shown, its log closed and its locks free.

export interface LastResort {
  /** Rejects with the first one. */
  readonly failed: Promise<never>;
  /** The run is over: from here on Node ends the process for it. */
  stop(): void;
}

/** Take them, instead of Node, which would end the process at once. */
export function catchUncaught(): LastResort {
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => (fail = reject));
  failed.catch(() => undefined);
  const onError = (error: unknown): void => fail(error);
  process.on('uncaughtException', onError);
  process.on('unhandledRejection', onError);
  return {
    failed,
    stop() {
      process.off('uncaughtException', onError);
      process.off('unhandledRejection', onError);
    },
  };
}
