// The script of the survey: read-only POSIX sh, one pass, slow tools at the same time as the rest.
import { script, type Shell } from '../host/shell.ts';

/**
 * Its inputs are the shell variables that survey.ts sets before it; lists are one item a line. Every answer is a
 * section that begins with a fence. A slow job writes into a pipe of its own while the others run, and its section
 * is copied out at the end: no temporary file, no waiting in turn. Few processes, because three hundred hosts may be
 * asked: what the shell can read by itself it reads by itself.
 */
export const surveyScript: Shell = script`
set -f
IFS='
'
# A small file without starting a program.
show() {
  while IFS= read -r line || [ -n "$line" ]; do printf '%s\n' "$line"; done <"$1"
}
section() { printf '\n@@kbinit:%s\n' "$1"; }
# Run the job $1 beside what comes after it.
beside() {
  job=$1; shift
  "$job" </dev/null | { exec 3<&0 </dev/null; "$@"; cat <&3; }
}
has() { command -v "$1" >/dev/null 2>&1; }

# Who listens: the kernel's own table, then the sockets that processes hold (only when a port is taken).
listeners() {
  section listeners
  [ -n "$ports" ] || return 0
  found=$(grep -hE ":($ports) [0-9A-F]+:0000 0A " /proc/net/tcp /proc/net/tcp6 2>/dev/null) || return 0
  printf '%s\n' "$found"
  inodes=0
  for line in $found; do
    IFS=' '; set -- $line; shift 9; inodes="$inodes|$1"
    IFS='
'
  done
  section owners
  set +f
  ls -ln /proc/[0-9]*/fd 2>/dev/null | grep -E "^/proc/|socket:\[($inodes)\]" | while read -r line; do
    case $line in
      /proc/*) IFS=/; set -- $line; pid=$3 ;;
      *) name=; { read -r name <"/proc/$pid/comm"; } 2>/dev/null
         printf '%s\n' "$pid" "$name" "$(readlink "/proc/$pid/exe")" "$line" ;;
    esac
  done
  set -f
}

path_states() {
  section paths
  for path in $paths; do
    if [ ! -e "$path" ]; then state=missing
    elif [ ! -d "$path" ]; then state=file
    elif [ "$(ls -A "$path" 2>/dev/null)" = lost+found ]; then state=fresh-disk
    elif [ -n "$(ls -A "$path" 2>/dev/null)" ] || [ ! -r "$path" ]; then state=filled-folder
    else state=empty-folder
    fi
    printf '%s %s\n' "$state" "$path"
  done
  section kinds
  for path in $kinds; do
    if [ ! -e "$path" ]; then kind=missing
    elif [ -f "$path" ]; then kind=file
    elif [ -d "$path" ]; then kind=directory
    elif [ -S "$path" ]; then kind=socket
    elif [ -c "$path" ]; then kind='character device'
    elif [ -b "$path" ]; then kind='block device'
    else kind=pipe
    fi
    printf '%s:%s\n' "$kind" "$path"
  done
  for path in $texts; do
    [ -r "$path" ] || continue
    section "text $path"
    # The kernel's switches can only be read in one go, which the shell does not do.
    case $path in /proc/sys/*) cat "$path" ;; *) show "$path" ;; esac 2>/dev/null
  done
  for path in $certificates; do
    [ -r "$path" ] || continue
    section "certificates $path"; sed -n '/BEGIN CERTIFICATE/,/END CERTIFICATE/p' "$path"
  done
}

executables() {
  section executables
  for name in $executables; do has "$name" && printf '%s\n' "$name"; done
  return 0
}

unit_states() {
  has systemctl && [ -n "$units" ] || return 0
  section units
  # Where systemd is not what the host was booted with there is nobody to ask (sd_booted(3)).
  [ ! -d /run/systemd/system ] ||
    systemctl show -p Id -p LoadState -p ActiveState -p UnitFileState $units 2>/dev/null
}

cgroups() {
  section mounts; mounts=$(grep cgroup /proc/mounts); printf '%s\n' "$mounts"
  section cgroup-memory; [ -d /sys/fs/cgroup/memory ] && printf 'yes\n'
  section cgroup-v1; [ ! -r /proc/cgroups ] || show /proc/cgroups
  section cgroup-v2
  mount=
  for line in $mounts; do
    IFS=' '; set -- $line
    IFS='
'
    [ "$3" != cgroup2 ] || { mount=$2; break; }
  done
  [ -n "$mount" ] || return 0
  [ ! -r "$mount/cgroup.controllers" ] || show "$mount/cgroup.controllers"
  set +f
  for file in "$mount/cgroup.freeze" "$mount"/*/cgroup.freeze; do
    [ -e "$file" ] && { printf 'freezer\n'; break; }
  done
  set -f
}

# Room where a folder is, or would be: the nearest parent that exists. A line of $disks is a folder and its parents.
room() {
  [ -n "$disks" ] || return 0
  section disks
  found=
  for chain in $disks; do
    IFS=$tab; set -- $chain; path=$1
    for at in "$@"; do [ -e "$at" ] && break; done
    IFS='
'
    mode=ro; [ -w "$at" ] && mode=rw
    printf '%s %s\n' "$mode" "$path"
    found="$found$at
"
  done
  section devices; stat -c %d $found
  section space; stat -f -c '%a %S %d %c' $found
}

socket_state() {
  section socket
  if [ ! -e "$socket" ]; then printf 'missing\n'
  elif [ ! -S "$socket" ]; then printf 'not-a-socket\n'
  elif grep -E ' 00010000 [0-9]+ 0*1 ' /proc/net/unix | sed 's/$/ /' |
    grep -qF " $(readlink -f "$socket") "; then printf 'listening\n'
  else printf 'stale\n'
  fi
}

# Of containerd's configuration only the lines that say who manages cgroups.
cgroup_driver() {
  case $socket in *containerd*) ;; *) return 0 ;; esac
  section cgroup-driver; printf 'containerd\n'
  [ ! -r /etc/containerd/config.toml ] || grep -E '^[[:space:]]*SystemdCgroup[[:space:]]*=' /etc/containerd/config.toml
}

# Section $1: what a tool answers and how it ends; what it says about that is a section of its own.
ask() {
  name=$1; shift
  section "$name"
  said=$("$@" 2>&1 >&4)
  printf '\nexit %s\n' $?
  section "$name-said"; printf '%s\n' "$said"
} 4>&1

# crictl asks the CRI itself. Where that is not served, or there is no crictl, containerd's own tool knows about its plugins.
runtime() {
  if has crictl; then
    ask crictl-info cri info
    case $said in *'unknown service runtime.v1.'*) ;; *) return 0 ;; esac
  fi
  case $socket in *containerd*) ;; *) return 0 ;; esac
  if has ctr; then
    ask ctr k8s_ctr version
    ask ctr-plugins k8s_ctr plugins ls
  fi
  set +f
  for file in /etc/containerd/config.toml /etc/containerd/conf.d/*.toml; do
    [ -r "$file" ] || continue
    list=$(sed -n '/^[[:space:]]*disabled_plugins[[:space:]]*=/,/\]/p' "$file")
    [ -z "$list" ] || { section "disabled $file"; printf '%s\n' "$list"; }
  done
  set -f
}

runtime_config() { ! has crictl || ask crictl-config cri runtime-config; }

# What firewalld's running configuration lets in: its zones, and of the services in them the files with their ports.
firewalld() {
  has firewall-cmd && has systemctl && systemctl -q is-active firewalld || return 0
  section firewalld; printf '%s\n' "$firewall"
  [ ! -r /etc/firewalld/firewalld.conf ] || sed -n 's/^DefaultZone=/default /p' /etc/firewalld/firewalld.conf
  while IFS="$tab " read -r name destination _; do
    [ "$destination" != 00000000 ] || printf 'route %s\n' "$name"
  done </proc/net/route
  ! has ip || ip -o addr show 2>/dev/null
  zones=$(timeout 6 firewall-cmd --list-all-zones 2>/dev/null)
  section firewalld-zones; printf '%s\n' "$zones"
  section firewalld-services
  set -- $(printf '%s\n' "$zones" | sed -n 's/^  services: //p; s/.*service name="\([^"]*\)".*/\1/p' | tr ' ' '\n')
  seen=' '
  while [ $# -gt 0 ]; do
    name=$1; shift
    case $seen in *" $name "*) continue ;; esac
    seen="$seen$name "
    case $name in *[!A-Za-z0-9_-]*) continue ;; esac
    for file in "/etc/firewalld/services/$name.xml" "/usr/lib/firewalld/services/$name.xml"; do
      [ -r "$file" ] || continue
      tags=$(grep -oE '<(port|include) [^>]*>' "$file")
      printf 'service %s\n%s\n' "$name" "$tags"
      set -- "$@" $(printf '%s\n' "$tags" | sed -n 's/^<include service="\([^"]*\)".*/\1/p')
      break
    done
  done
}

kernel_config() {
  read -r release </proc/sys/kernel/osrelease
  for file in /proc/config.gz "/boot/config-$release" "/usr/src/linux-$release/.config" /usr/src/linux/.config \
    "/usr/lib/modules/$release/config" "/usr/lib/ostree-boot/config-$release" "/usr/lib/kernel/config-$release" \
    "/usr/src/linux-headers-$release/.config" "/lib/modules/$release/build/.config"; do
    [ -r "$file" ] || continue
    section kernel; printf '%s\n' "$file"
    case $file in *.gz) gzip -dc "$file" ;; *) cat "$file" ;; esac | grep -E "^CONFIG_($options)=[ymn]"
    return 0
  done
  return 1
}

# Some kernels show their configuration in /proc only while a module is loaded.
kernel_options() {
  [ -n "$options" ] || return 0
  kernel_config && return 0
  modprobe configs 2>/dev/null || return 0
  kernel_config
  modprobe -r configs 2>/dev/null
}

lookups() {
  section lookups
  for name in $lookups; do
    printf '? %s\n' "$name"; timeout 5 getent ahosts "$name"
  done
}

network_leftovers() {
  [ -n "$leftovers" ] || return 0
  section cni
  set +f
  [ ! -d /etc/cni/net.d ] || (cd /etc/cni/net.d && for name in *; do [ ! -e "$name" ] || printf '%s\n' "$name"; done)
  set -f
  section links; for link in cni0 flannel.1 flannel-v6.1; do [ -e "/sys/class/net/$link" ] && printf '%s\n' "$link"; done
  section chains
  ! has iptables-save || rules=$(timeout 3 iptables-save 2>/dev/null)
  case $rules in *:KUBE-*) printf '%s\n' "$rules" | grep -E '^:KUBE-' ;; esac
  has nft && timeout 3 nft list tables 2>/dev/null | grep kube-proxy
}

hardware() {
  section macs
  set +f
  [ ! -d /sys/class/net ] || (
    cd /sys/class/net && for name in *; do
      mac=; { read -r mac <"$name/address"; } 2>/dev/null
      printf '%s %s\n' "$mac" "$name"
    done
  )
  set -f
}

main() {
  section identity; id -u; show /proc/sys/kernel/ostype
  section swaps; [ ! -r /proc/swaps ] || show /proc/swaps
  listeners
  path_states
  executables
  unit_states
  cgroups
  room
  hardware
  [ -z "$socket" ] || { socket_state; cgroup_driver; }
  kernel_options
  network_leftovers
  lookups
}

with_runtime() {
  if [ -S "$socket" ]; then beside runtime beside runtime_config main; else main; fi
}

exec </dev/null
if [ -n "$firewall" ]; then beside firewalld with_runtime; else with_runtime; fi
section end
`;
