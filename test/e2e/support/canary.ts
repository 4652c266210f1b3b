// Secrets that are easy to recognise, and the search for them in everything that a run leaves behind.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A secret and its name in a finding. */
export interface Canary {
  readonly name: string;
  readonly value: string;
}

/** A text in which no secret may be. */
export interface Place {
  readonly name: string;
  readonly text: string;
}

/** Every secret found, as `secret in place`; also where it stands in base64 or cut into lines. */
export function sightings(canaries: readonly Canary[], places: readonly Place[]): readonly string[] {
  return places.flatMap((place) => {
    const joined = place.text.replaceAll(/\\n|\s/g, '');
    return canaries
      .filter(({ value }) => forms(value).some((form) => place.text.includes(form) || joined.includes(form)))
      .map(({ name }) => `${name} in ${place.name}`);
  });
}

/** As it is, and what base64 makes of it wherever it begins in the encoded text. */
function forms(value: string): readonly string[] {
  const shifted = [0, 1, 2].map((offset) => {
    const encoded = Buffer.from(' '.repeat(offset) + value).toString('base64');
    // Only the characters that do not depend on what stands before and behind.
    return encoded.slice(offset === 0 ? 0 : 4, -4);
  });
  return [value, ...shifted.filter((form) => form.length >= 8)];
}

/** A part of each key of a PEM file or kubeconfig that is long enough to be no accident. */
export function keyCanaries(name: string, text: string): readonly Canary[] {
  const pem = /-----BEGIN [A-Z ]*PRIVATE KEY-----\n([^-]*)/.exec(text)?.[1]?.replaceAll('\n', '');
  const data = /client-key-data: (\S+)/.exec(text)?.[1];
  return [pem, data].flatMap((body) => {
    if (body === undefined) return [];
    const middle = Math.floor(body.length / 2);
    return [{ name, value: body.slice(middle, middle + 48) }];
  });
}

/** Every file below a folder. */
export async function filesBelow(folder: string): Promise<readonly Place[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(files.map(async (name) => ({ name, text: await readFile(name, 'latin1') })));
}

/** Watches the command lines and environments of this machine's processes; those of lab hosts are among them. */
export class ProcessWatch {
  readonly #seen = new Map<string, Place>();
  #running: Promise<void> | undefined;
  #isOver = false;

  start(): void {
    this.#running = this.#loop();
  }

  async stop(): Promise<readonly Place[]> {
    this.#isOver = true;
    await this.#running;
    return [...this.#seen.values()];
  }

  async #loop(): Promise<void> {
    while (!this.#isOver) {
      const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
      await Promise.all(pids.map((pid) => this.#look(pid)));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async #look(pid: string): Promise<void> {
    const command = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
    if (command === '' || this.#seen.has(pid + command)) return;
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
    const shown = command.replaceAll('\0', ' ').slice(0, 80);
    this.#seen.set(pid + command, { name: `process ${pid} (${shown})`, text: `${command}\n${environment}` });
  }
}
