/** Owns the locks between processes: held by the kernel, so a killed holder leaves none behind. */
import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Runs `work` while no other process holds the lock of that file; `onWait` is called when it has to wait. */
export async function withLock<T>(file: string, work: () => Promise<T>, onWait?: () => void): Promise<T> {
  await mkdir(dirname(file), { recursive: true });
  // flock(1) holds the lock for as long as `cat` reads our pipe: it ends with us, however we end.
  const holder = spawn('/usr/bin/flock', [file, 'sh', '-c', 'echo held; exec cat >/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    // Ctrl-C reaches the whole group; the lock must outlive it until our own clean-up is done.
    detached: true,
  });
  const waiting = setTimeout(() => onWait?.(), 1000);
  try {
    await new Promise<void>((resolve, reject) => {
      holder.stdout.once('data', () => resolve());
      holder.once('error', reject);
      holder.once('exit', (code) => reject(new Error(`flock ${file} ended with ${code}`)));
    });
    clearTimeout(waiting);
    return await work();
  } finally {
    clearTimeout(waiting);
    holder.stdin.end();
  }
}
