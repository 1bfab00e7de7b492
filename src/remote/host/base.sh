# The part of towline that lives on a host. POSIX sh: dash, busybox ash and bash, on Linux.
#   sh ROOT/bin/SHA256 serve           a conversation: requests on stdin, framed answers on stdout
#   sh ROOT/bin/SHA256 supervise DIR   one run of one job, detached from whoever asked for it
# Stored under its own hash and never changed. ROOT also holds
#   bin/SHA256.d/towline (what agents call)  identity  tools  allow  samples/{last,now,old}  slots/N.GENERATION
#   PACK/journal  PACK/held/JOB.EPOCH  PACK/jobs/JOB/seal
#   PACK/jobs/JOB/EPOCH/  the folder in which the run works; making it is the fence
#   PACK/sessions/JOB/  what a job keeps for its next epoch, as src/runtimes/session.ts says: its session, a home, tmux's socket
#   PACK/jobs/JOB/EPOCH.{owner,go,secret,out,err,streams,PART,result,sum,cancel,acked,work}
# Processes are dear and builtins are cheap here: most of /proc is read with `read`.

export LC_ALL=C # bytes are counted here, and tools start faster without a locale; agents get it taken away
program=${0##*/}
cd "${0%/bin/*}" || exit 2
format=1 parted=2 # of a result with parts, which older programs would leave out
parts_known='outbox code bundle'
empty=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855

number() { case $1 in '' | *[!0-9]* | ????????????????*) return 1 ;; esac; }
name() { case $1 in '' | -* | .* | *[!A-Za-z0-9._-]*) return 1 ;; esac; }

# → $now: hundredths of a second since boot, which no clock change moves
clock() {
  read -r now _ </proc/uptime
  set -- "${now%.*}" "${now#*.}"
  now=$(($1 * 100 + ${2#0}))
}

# PID → $birth: when that process was born; fails when it is gone or only waits to be reaped
birth() {
  birth=
  { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
  # shellcheck disable=SC2086
  set -- ${line##*) }
  case $1 in Z | X | x) return 1 ;; esac
  birth=${20}
}

alive() { [ -n "$1" ] && birth "$1" && [ "$birth" = "$2" ]; }

# DIR → $pid, $born and $was of the last who took charge of this run. Lines are only added to its owner's file: a
# reader never sees half a one.
owner() {
  pid= born= was=
  [ -f "$1.owner" ] && {
    while read -r a_pid a_born a_boot _; do
      case $a_pid in spec*) ;; *) pid=$a_pid born=$a_born was=$a_boot ;; esac
    done <"$1.owner"
  } 2>/dev/null
  [ -n "$was" ]
}

# The line of the owner's file that says what is run, with the format in its first word. $foreign: a format not known here.
spec() {
  foreign=
  [ -f "$dir.owner" ] && {
    while read -r key job epoch day deadline keep started since was program _; do
      case $key in
        "spec$format")
          name "$job" && number "$epoch" && number "$deadline" && number "$keep" && number "$started" &&
            number "$since" && name "$was" && name "$program"
          return
          ;;
        spec*) number "${key#spec}" && foreign=${key#spec} ;;
      esac
    done <"$dir.owner"
  } 2>/dev/null
  return 1
}

# FILE: whatever stands in its place without being a plain file goes: a link, a pipe, a device, a folder
plain() {
  if [ -L "$1" ] || { [ -e "$1" ] && [ ! -f "$1" ]; }; then rm -rf "$1"; fi
}

# DIR: what a run put in the place of its own files goes, before anybody reads, writes or removes there. Its folder stays
# a folder, since that is the fence. No process, unless there is something.
tidy() {
  for piece in owner go sum result streams secret out err out.tail err.tail cancel acked overtime $parts_known; do
    plain "$1.$piece"
  done
  if [ -L "$1" ] || [ ! -d "$1" ]; then
    [ ! -L "$1" ] || rm -f "$1"
    [ ! -e "$1.owner" ] || mkdir "$1" 2>/dev/null
  fi
}

# FILE WORD: makes the file with that word in it, unless it is there. Exactly one of many callers wins.
token() {
  set -C
  { echo "$2" >"$1"; } 2>/dev/null
  set -- $?
  set +C
  return "$1"
}

# FILE…: on the disk before this returns
durable() {
  case $sync in
    file) sync "$@" 2>/dev/null || sync ;;
    dd) for file; do [ -d "$file" ] || dd if=/dev/null of="$file" conv=notrunc,fsync 2>/dev/null; done ;;
    *) sync ;;
  esac
}

# HUNDREDTHS: sleeps
doze() {
  case $1 in
    ?) sleep "0.0$1" ;;
    ??) sleep "0.$1" ;;
    *) sleep "$(($1 / 100))" ;;
  esac
}

# What was found out once about the tools of this host.
tools() {
  sync=all timeout=none arch=unknown missing=
  [ -r tools ] || return 1
  while read -r key value; do
    case $key in
      sync) sync=$value ;;
      timeout) timeout=$value ;;
      arch) arch=$value ;;
      missing) missing=$value ;;
    esac
  done <tools
}

probe() {
  sync=all timeout=none
  : >.probe
  if ! sync .probe-none 2>/dev/null && sync .probe 2>/dev/null; then
    sync=file
  elif dd if=/dev/null of=.probe conv=notrunc,fsync 2>/dev/null; then
    sync=dd
  fi
  # Only a timeout that leads a process group of its own ends all of a run.
  if timeout -k 1 5 true 2>/dev/null; then
    timeout -k 1 5 sh -c 'read -r line </proc/self/stat; set -- ${line##*) }; echo "$3"' >.probe 2>/dev/null </dev/null &
    leader=$!
    wait "$leader"
    { read -r group <.probe; } 2>/dev/null
    [ "$group" = "$leader" ] && timeout=group
  fi
  arch=$(uname -m) missing=
  rm -f .probe
  for tool in setsid sha256sum mkfifo dd ln od grep sed tail wc tee df; do
    command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
  done
  printf 'sync %s\ntimeout %s\narch %s\nmissing %s\n' "$sync" "$timeout" "$arch" "$missing" >".tools.$$"
  mv -f ".tools.$$" tools
}
