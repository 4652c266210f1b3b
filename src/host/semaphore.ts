// A fixed number of things at a time: the rest waits in line.

/** A counter of free places. sshd allows ten sessions a connection by default (MaxSessions). */
export class Semaphore {
  #size: number;
  #taken = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Wait for a place; call the answer once to give it back. */
  async take(): Promise<() => void> {
    // A loop, not a test: between the wake-up and here another call may have taken the place.
    while (this.#taken >= this.#size) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    this.#taken++;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#taken--;
      this.#waiting.shift()?.();
    };
  }

  /** Allow at most this many from now on, and always one. */
  shrink(size: number): void {
    this.#size = Math.max(1, Math.min(this.#size, size));
  }
}
