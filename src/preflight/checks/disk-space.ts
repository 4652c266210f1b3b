// DiskSpace: room and inodes where Kubernetes writes; kubeadm has no such check and fails in the middle instead.
import { error, warning, type Check, type Finding } from '../check.ts';
import type { Filesystem } from '../survey-parse.ts';
import { count } from '../../util/text.ts';

const name = 'DiskSpace';

/** Folders by what goes there. */
export interface Places {
  /** Small files only. */
  readonly configuration?: readonly string[];
  /** Images, Pods, etcd. */
  readonly data?: readonly string[];
  /** Where it is known what of that is about to come. */
  readonly dataMiB?: number;
  /** Programs, which are there already… */
  readonly programs?: readonly string[];
  /** …or are about to be written. */
  readonly newPrograms?: readonly string[];
}

/** Less than `needed` is an error, less than `enough` a warning. */
interface Need {
  readonly kind: Exclude<keyof Places, 'dataMiB'>;
  readonly neededMiB: number;
  readonly enoughMiB: number;
  readonly neededInodes: number;
  readonly enoughInodes: number;
  readonly forWhat?: string;
}

/** A node with its images unpacked has some tens of thousands of files; its configuration some dozens. */
const needs: readonly Need[] = [
  {
    kind: 'data',
    neededMiB: 200,
    enoughMiB: 2048,
    neededInodes: 5000,
    enoughInodes: 50_000,
    forWhat: 'images and etcd will need it',
  },
  { kind: 'newPrograms', neededMiB: 1024, enoughMiB: 1024, neededInodes: 1000, enoughInodes: 1000 },
  {
    kind: 'programs',
    neededMiB: 0,
    enoughMiB: 1024,
    neededInodes: 0,
    enoughInodes: 1000,
    forWhat: 'newer programs will need it',
  },
  { kind: 'configuration', neededMiB: 10, enoughMiB: 10, neededInodes: 100, enoughInodes: 100 },
];

/** Folders on one filesystem are told of once, by the most that one of them needs. */
export function diskSpace(places: Places): Check {
  const paths = needs.flatMap(({ kind }) => places[kind] ?? []);
  return {
    name,
    asks: { disks: paths },
    run({ survey }): readonly Finding[] {
      const wanted = survey.disks.filter(({ path }) => paths.includes(path));
      const filesystems = [...new Set(wanted.map(sameFilesystem))];
      return filesystems.flatMap((id) =>
        judge(
          wanted.filter((disk) => sameFilesystem(disk) === id),
          places,
        ),
      );
    },
  };
}

/** Two mounts of one device may differ in being writable. */
function sameFilesystem(disk: Filesystem): string {
  return `${disk.device} ${disk.isWritable}`;
}

function judge(disks: readonly Filesystem[], places: Places): readonly Finding[] {
  const [disk] = disks;
  const here = needs
    .filter(({ kind }) => disks.some(({ path }) => places[kind]?.includes(path)))
    .map((need) => (need.kind === 'data' ? withComing(need, places.dataMiB ?? 0) : need));
  // A system whose programs are read-only is none that anything is written to.
  const written = here.filter(({ kind }) => kind !== 'programs');
  const where = disks.map(({ path }) => path).join(', ');
  if (disk === undefined) return [];
  if (disk.isWritable) return [...judgeSpace(disk, where, here), ...judgeInodes(disk, where, here)];
  return written.length === 0 ? [] : [error(name, `the filesystem of ${where} is read-only`, 'mount it writable')];
}

/** What is about to come, on top of what has to be left. */
function withComing(need: Need, comingMiB: number): Need {
  return { ...need, neededMiB: need.neededMiB + comingMiB, enoughMiB: need.enoughMiB + comingMiB };
}

function judgeSpace({ freeMiB }: Filesystem, where: string, here: readonly Need[]): readonly Finding[] {
  const text = `the filesystem of ${where} has ${freeMiB} MiB free`;
  const enough = Math.max(...here.map(({ enoughMiB }) => enoughMiB));
  const short = here.find(({ enoughMiB }) => freeMiB < enoughMiB);
  if (here.some(({ neededMiB }) => freeMiB < neededMiB)) return [error(name, text, `free at least ${enough} MiB`)];
  return short === undefined ? [] : [warning(name, text, because(`free at least ${enough} MiB`, short))];
}

function judgeInodes({ freeInodes }: Filesystem, where: string, here: readonly Need[]): readonly Finding[] {
  if (freeInodes === undefined) return [];
  const text = `the filesystem of ${where} has room for ${count(freeInodes, 'more file')} (inodes)`;
  const enough = Math.max(...here.map(({ enoughInodes }) => enoughInodes));
  const short = here.find(({ enoughInodes }) => freeInodes < enoughInodes);
  if (here.some(({ neededInodes }) => freeInodes < neededInodes)) {
    return [error(name, text, `remove files there until ${enough} inodes are free (\`df -i\`)`)];
  }
  return short === undefined ? [] : [warning(name, text, because(`free at least ${enough} inodes (\`df -i\`)`, short))];
}

function because(fix: string, { forWhat }: Need): string {
  return forWhat === undefined ? fix : `${fix}: ${forWhat}`;
}
