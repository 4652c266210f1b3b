// The one question that `host prepare` asks a host: a read-only POSIX sh script and what it is to look at.
import { containerdSocket, runtimeTools } from '../host/runtime.ts';
import { script, sh, type Shell } from '../host/shell.ts';
import { ledgerFile } from './places.ts';

/** What a preparation depends on. */
export interface Questions {
  /** Files that are compared by their content. */
  readonly files: readonly string[];
  /** Files that are compared by size and time: programs, which take long to read. */
  readonly measured: readonly string[];
  /** Files whose text is needed. */
  readonly texts: readonly string[];
  /** Folders that may be missing, beside those above the files. */
  readonly folders: readonly string[];
  readonly sysctls: readonly string[];
  readonly units: readonly string[];
  readonly programs: readonly string[];
  readonly packages: readonly string[];
  /** Whether to ask the container runtime which images it has. */
  readonly wantsImages: boolean;
  /** Of firewalld; undefined means that of the default route. */
  readonly zone?: string;
}

// Every line is `KEY rest`. Few processes, because thirty hosts of one machine may be asked at the same time: what the
// shell can read by itself it reads by itself.
const functions = script`
tagged() {
  while IFS= read -r line || [ -n "$line" ]; do printf '%s %s\n' "$1" "$line"; done
}
lines_of() {
  [ ! -r "$2" ] || tagged "$1" < "$2"
}
basics() {
  lines_of kernel /proc/sys/kernel/osrelease
  lines_of hostname /proc/sys/kernel/hostname
  lines_of selinux /sys/fs/selinux/enforce 2>/dev/null
  lines_of swap /proc/swaps
  echo "machine $(uname -m)"
  [ ! -e /sys/fs/cgroup/cgroup.controllers ] || echo 'cgroup 2'
  while read -r key value; do [ "$key" != CapBnd: ] || echo "capabilities $value"; done </proc/1/status
  while read -r name _; do echo "module $name"; done </proc/modules
  for name in overlay br_netfilter; do [ ! -d "/sys/module/$name" ] || echo "module $name"; done
  # overlay may be built in, or be known without a folder of its own.
  while read -r one two; do [ "$one" != nodev ] || one=$two; [ "$one" != overlay ] || echo 'module overlay'; done </proc/filesystems
  [ ! -e /proc/sys/net/bridge/bridge-nf-call-iptables ] || echo 'module br_netfilter'
  ip -o address show scope global 2>/dev/null | while read -r _ _ _ address _; do echo "address $address"; done
}
folders() {
  for path do [ -d "$path" ] || echo "nofolder $path"; done
}
files() {
  [ $# -eq 0 ] || stat -c 'stat %a %u:%g %s %Y %n' -- "$@" 2>/dev/null
}
sums() {
  sha256sum -- "$@" 2>/dev/null | tagged sum
  while read -r _ _ _ _ point _; do
    for path do [ "$path" != "$point" ] || echo "mounted $path"; done
  done </proc/self/mountinfo
}
texts() {
  for path do
    [ -r "$path" ] && [ -f "$path" ] || continue
    printf 'text %s %s\n' "$(base64 -w0 <"$path")" "$path"
  done
}
sysctls() {
  for key do
    IFS=.; set -- $key
    IFS=/; path=/proc/sys/$*
    unset IFS
    [ ! -r "$path" ] || { read -r value <"$path"; echo "sysctl $key $value"; }
  done
}
units() {
  shown=$(systemctl show -p Id -p LoadState -p ActiveState -p UnitFileState "$@" 2>/dev/null)
  printf '%s\n' "$shown" | tagged unit
}
# The unit $1 is one of those shown, and active.
is_active() {
  printf '%s\n\n' "$shown" | {
    while IFS== read -r key value; do
      case $key in
        Id) id=$value ;;
        ActiveState) state=$value ;;
        '') [ "$id $state" != "$1 active" ] || exit 0 ;;
      esac
    done
    exit 1
  }
}
programs() {
  for name do ! command -v "$name" >/dev/null || echo "program $name"; done
}
packages() {
  [ $# -gt 0 ] || return 0
  if command -v dpkg-query >/dev/null; then
    dpkg-query -W -f='$''{db:Status-Want} $''{db:Status-Status} $''{Package} $''{Version}\n' "$@" 2>/dev/null |
      while read -r want status name version; do
        [ "$status" != installed ] || echo "package $name $version"
        [ "$want" != hold ] || echo "held $name"
      done
  elif command -v rpm >/dev/null; then
    rpm -q --qf 'package %{NAME} %{VERSION}-%{RELEASE}\n' "$@" 2>/dev/null | while IFS= read -r line; do
      case $line in 'package '*' is not installed') ;; *) printf '%s\n' "$line" ;; esac
    done
  fi
}
# Of a package it is known; the program itself takes long to say it.
runtime_version() {
  case $1 in *'package containerd'*) [ -e /usr/local/bin/containerd ] || return 0 ;; esac
  ! command -v containerd >/dev/null || containerd --version 2>/dev/null | tagged containerd
}
# A runtime that is not there is no host without images: it is a host that is asked again later.
images() {
  [ "$1" = yes ] && [ -S "$socket" ] || return 0
  if has_crictl; then
    echo "images $(cri images -o json 2>/dev/null | base64 -w0)"
  elif command -v ctr >/dev/null; then
    k8s_ctr images ls 2>/dev/null | tagged image
  fi
}
# The running firewalld is asked over D-Bus: firewall-cmd takes a third of a second each time.
firewall() {
  is_active firewalld.service || return 0
  bus() { interface=$1; shift; busctl call org.fedoraproject.FirewallD1 /org/fedoraproject/FirewallD1 "$interface" "$@" 2>/dev/null; }
  word() { IFS='"' read -r _ word _; printf %s "$word"; }
  z=org.fedoraproject.FirewallD1.zone
  zone=$1
  while read -r name destination _; do
    [ -n "$zone" ] || [ "$destination" != 00000000 ] || zone=$(bus $z getZoneOfInterface s "$name" | word)
  done </proc/net/route
  [ -n "$zone" ] || zone=$(bus org.fedoraproject.FirewallD1 getDefaultZone | word)
  echo "zone $zone"
  bus $z getPorts s "$zone" | tagged fwports
  bus $z getProtocols s "$zone" | tagged fwprotocols
  bus $z getSources s trusted | tagged fwsources
  for at in /etc/firewalld/zones /usr/lib/firewalld/zones; do
    [ ! -r "$at/$zone.xml" ] || { tagged zonexml <"$at/$zone.xml"; break; }
  done
  for at in /etc/firewalld/zones /usr/lib/firewalld/zones; do
    [ ! -r "$at/trusted.xml" ] || { tagged trustedxml <"$at/trusted.xml"; break; }
  done
}
`;

/** The survey as one command. What is slow runs beside the rest. */
export function surveyCommand(asked: Questions): Shell {
  return sh`${runtimeTools(containerdSocket)}${functions}
slow() {
units ${asked.units}
installed=$(packages ${asked.packages})
printf '%s\\n' "$installed"
runtime_version "$installed"
images ${asked.wantsImages ? 'yes' : 'no'}
firewall ${asked.zone ?? ''}
}
slow </dev/null | {
exec 3<&0 </dev/null
basics
files ${[...asked.files, ...asked.measured]}
sums ${asked.files}
folders ${foldersOf([...asked.files, ...asked.measured, ...asked.folders.map((folder) => `${folder}/x`)])}
texts ${['/etc/os-release', ledgerFile, ...asked.texts]}
sysctls ${asked.sysctls}
programs ${asked.programs}
cat <&3
}
`;
}

/** Every folder above these paths. */
function foldersOf(paths: readonly string[]): readonly string[] {
  const all = paths.flatMap((path) => {
    const parts = path.split('/').slice(1, -1);
    return parts.map((_, n) => `/${parts.slice(0, n + 1).join('/')}`);
  });
  return [...new Set(all)].toSorted();
}
