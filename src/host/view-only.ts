// A host that a phase may only look at, where its type says more: whoever changes it without the lock has a bug.
import type { Host, HostView } from './host.ts';

/** The view as a host whose changes all throw. */
export function viewOnly(view: HostView): Host {
  const refuse = async (): Promise<never> => {
    throw new TypeError(`${view.name} is read-only: its lock is not held`);
  };
  return {
    name: view.name,
    target: view.target,
    probe: (command, io) => view.probe(command, io),
    read: (path) => view.read(path),
    readAll: (paths) => view.readAll(paths),
    facts: () => view.facts(),
    dial: (address, port) => view.dial(address, port),
    write: refuse,
    run: refuse,
    upload: refuse,
    remove: refuse,
    close: async () => undefined,
  };
}
