// The place a file is written to: its folder, its name while it is being made, and why it could not be put there.
import { KbError } from '../errors.ts';

/** The folder of an absolute path. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

/** Beside the target and hidden: the kubelet reads every other file in the manifests folder. A suffix is to follow. */
export function hiddenBeside(path: string): string {
  return `${folderOf(path).replace(/\/$/, '')}/.${path.slice(path.lastIndexOf('/') + 1)}`;
}

/** KB_SYMLINK: a link stands at the place. */
export function isLink(host: string, path: string): KbError {
  return new KbError({
    code: 'KB_SYMLINK',
    summary: 'a file to write is a symbolic link',
    detail: `${path} is a link; kbinit does not write through links`,
    fix: 'find out who put it there; remove the link, then run again',
    host,
  });
}

/** KB_WRITE, or KB_DISK_FULL where that is what the host said. */
export function notWritten(host: string, path: string, said: string): KbError {
  const isFull = /No space left|quota exceeded/i.test(said);
  return new KbError({
    code: isFull ? 'KB_DISK_FULL' : 'KB_WRITE',
    summary: isFull ? 'the disk is full' : 'a file cannot be written',
    detail: `${path}: ${said}; the file that was there before is untouched`,
    fix: isFull
      ? `free some space under ${folderOf(path)}, then run again`
      : 'make the path writable for root, then run again',
    host,
  });
}

/** Absolute, and without a part that is `.` or `..`: what is at the place is what the path says. */
export function isPlainPath(path: string): boolean {
  return path.startsWith('/') && !/(^|\/)\.\.?(\/|$)/.test(path);
}

/** A path that leads elsewhere than it says. */
export function notPlain(code: 'KB_WRITE' | 'KB_REMOVE', host: string | undefined, path: string): KbError {
  return new KbError({
    code,
    summary: code === 'KB_WRITE' ? 'a file cannot be written' : 'something cannot be removed',
    detail: `${JSON.stringify(path)} is not an absolute path without "." and ".."`,
    fix: 'write the path in full, from / on',
    ...(host !== undefined && { host }),
  });
}
