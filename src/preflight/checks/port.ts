// Port-N: nobody listens where a component will.
import { error, type Check } from '../check.ts';
import type { Listener } from '../survey-parse.ts';

/** `kube-controller-manager` is `kube-controller` to the kernel, which keeps 15 characters. */
function isCommand(listener: Listener, component: string): boolean {
  const command = listener.command ?? '';
  return command === component || (command.length === 15 && component.startsWith(command));
}

function who(listener: Listener): string {
  if (listener.command === undefined) return 'a process that could not be found';
  return `${listener.command} (pid ${listener.pid})`;
}

/** The port is free on every address (spec 03 §2 #5–#7, §4 #12). `component` is who will listen there. */
export function portAvailable(port: number, component: string): Check {
  const name = `Port-${port}`;
  return {
    name,
    asks: { ports: [port] },
    run({ survey }) {
      const listener = survey.listeners.get(port);
      if (listener === undefined) return [];
      const isOwnComponent = isCommand(listener, component);
      const fix = isOwnComponent
        ? '`kbinit reset` removes an earlier cluster from the host'
        : `stop that process, or give ${component} another port where that can be configured`;
      return [
        error(name, `port ${port} is in use by ${who(listener)}; ${component} needs it`, fix, {
          kind: 'port',
          port,
          listener,
          component,
          isOwnComponent,
        }),
      ];
    },
  };
}
