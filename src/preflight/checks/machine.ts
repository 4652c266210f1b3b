// NumCPU and Mem: enough machine for a control plane.
import { error, type Check } from '../check.ts';

const minimumCpus = 2;
const minimumMiB = 1700;

/** At least two CPUs (spec 03 §2 #1). */
export const numCpu: Check = {
  name: 'NumCPU',
  run: ({ facts }) =>
    facts.cpuCount >= minimumCpus
      ? []
      : [
          error(
            'NumCPU',
            `the host has ${facts.cpuCount} usable CPU, a control plane needs ${minimumCpus}`,
            'give the host more CPUs',
          ),
        ],
};

/** At least 1700 MiB of memory (spec 03 §2 #2). */
export const mem: Check = {
  name: 'Mem',
  run: ({ facts }) =>
    facts.memoryMiB >= minimumMiB
      ? []
      : [
          error(
            'Mem',
            `the host has ${facts.memoryMiB} MiB of memory, a control plane needs ${minimumMiB} MiB`,
            'give the host more memory',
          ),
        ],
};
