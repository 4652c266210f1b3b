// DiskSpace: room and inodes where Kubernetes writes; kubeadm has no such check and fails in the middle instead.
import { error, warning, type Check, type Finding } from '../check.ts';
import type { Filesystem } from '../survey.ts';
import { count } from '../../util/text.ts';

const name = 'DiskSpace';
const comfortableMiB = 2048;
const neededMiB = 200;
/** Where only small files go. */
const configurationMiB = 10;
/** A node with its images unpacked has some tens of thousands of files; its configuration some dozens. */
const inodes = { comfortable: 50_000, needed: 5000, configuration: 100 };

/** Folders on one filesystem are told of once; `configuration` holds small files only, the others data. */
export function diskSpace(configuration: readonly string[], data: readonly string[]): Check {
  return {
    name,
    asks: { disks: [...data, ...configuration] },
    run({ survey }): readonly Finding[] {
      const wanted = survey.disks.filter((d) => data.includes(d.path) || configuration.includes(d.path));
      const filesystems = [...new Set(wanted.map(sameFilesystem))];
      return filesystems.flatMap((id) =>
        judge(
          wanted.filter((disk) => sameFilesystem(disk) === id),
          data,
        ),
      );
    },
  };
}

/** Two mounts of one device may differ in being writable. */
function sameFilesystem(disk: Filesystem): string {
  return `${disk.device} ${disk.isWritable}`;
}

function judge(disks: readonly Filesystem[], data: readonly string[]): readonly Finding[] {
  const [disk] = disks;
  if (disk === undefined) return [];
  const where = disks.map((d) => d.path).join(', ');
  const isData = disks.some((d) => data.includes(d.path));
  if (!disk.isWritable) {
    return [error(name, `the filesystem of ${where} is read-only`, 'mount it writable')];
  }
  return [...judgeSpace(disk, where, isData), ...judgeInodes(disk, where, isData)];
}

function judgeInodes({ freeInodes }: Filesystem, where: string, isData: boolean): readonly Finding[] {
  if (freeInodes === undefined) return [];
  const text = `the filesystem of ${where} has room for ${count(freeInodes, 'more file')} (inodes)`;
  const enough = isData ? inodes.comfortable : inodes.configuration;
  if (freeInodes < (isData ? inodes.needed : inodes.configuration)) {
    return [error(name, text, `remove files there until ${enough} inodes are free (\`df -i\`)`)];
  }
  if (freeInodes >= enough) return [];
  return [warning(name, text, `free at least ${enough} inodes: images will need them (\`df -i\`)`)];
}

function judgeSpace(disk: Filesystem, where: string, isData: boolean): readonly Finding[] {
  const text = `the filesystem of ${where} has ${disk.freeMiB} MiB free`;
  if (disk.freeMiB < (isData ? neededMiB : configurationMiB)) {
    return [error(name, text, `free at least ${isData ? comfortableMiB : configurationMiB} MiB`)];
  }
  if (!isData || disk.freeMiB >= comfortableMiB) return [];
  return [warning(name, text, `free at least ${comfortableMiB} MiB: images and etcd will need it`)];
}
