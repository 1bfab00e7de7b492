# The other verbs, and the loop that hears them.

seal() {
  job=$1 epoch=$2 highest=-
  [ -d "$jobs/$job" ] || mkdir "$jobs/$job"
  echo "$epoch" >>"$jobs/$job/seal"
  durable "$jobs/$job/seal" "$jobs/$job" "$jobs"
  for other in "$jobs/$job"/*/; do
    other=${other%/}
    at=${other##*/}
    number "$at" && [ "$at" -lt "$epoch" ] || continue
    tidy "$other"
    token "$other.go" never
    { read -r went <"$other.go"; } 2>/dev/null
    if [ "$went" = never ]; then
      echo - >"$other.acked"
      rm -rf "$other"/* "$pack/held/$job.$at"
    elif [ "$highest" = - ] || [ "$at" -gt "$highest" ]; then
      highest=$at
    fi
  done
  answer "$job" "$epoch" "started $highest"
}

cancel() {
  settle "$jobs/$1/$2"
  if [ "$state" = running ]; then
    : >"$dir.cancel"
    # In this order: before there is that file the run may still be in the charge of a conversation, this one even.
    { read -r went <"$dir.go"; } 2>/dev/null && owner "$dir" && alive "$pid" "$born" && kill "$pid"
  fi
  answer "$1" "$2" "$state"
}

ack() {
  set --
  for item in $body; do
    run=${item%/*} want=${item##*/}
    known "${run%/*}" "${run#*/}" || continue
    settle "$jobs/$run"
    case $state in ended | died) ;; *) continue ;; esac
    [ "$hash" = "$want" ] || continue
    # step: ack
    echo "$hash" >"$dir.acked"
    # step: acked
    for file in "$dir".* "$dir"/* "$dir"/.[!.]*; do
      case ${file#"$dir".} in go | acked) ;; *) set -- "$@" "$file" ;; esac
    done
    set -- "$@" "$pack/held/${run%/*}.${run#*/}"
  done
  [ $# -eq 0 ] || rm -rf "$@"
  answer - - ok
}

enroll() {
  [ -d slots ] || mkdir slots
  probe
  if [ ! -s identity ]; then
    id=$(od -An -N16 -tx1 /dev/urandom)
    # shellcheck disable=SC2086
    set -- $id
    id=
    for byte; do id=$id$byte; done
    token identity "$id"
    durable identity .
  fi
  read -r id <identity
  answer - - "identity $id
sync $sync
timeout $timeout
missing $missing"
}

# → $date and $asked, the same moment by the wall's clock and by the uptime, and the $disk and its $room in KiB.
# Looked up by processes at most once in five minutes; in between the uptime tells the time.
look() {
  clock
  asked=$now saw=
  { read -r saw at date disk room <seen; } 2>/dev/null
  if [ "$saw" = "$boot" ] && [ -n "$room" ] && [ $((now - at)) -lt 30000 ]; then
    date=$((date + (now - at) / 100))
    return
  fi
  date=$(date +%s)
  room=$(df -Pk . 2>/dev/null)
  # shellcheck disable=SC2086
  set -- ${room##*
}
  disk=${2:-0} room=${4:-0}
  echo "$boot $asked $date $disk $room" >seen
}

# Only the journal is brought to the disk at a start. After a restart its fences are put up again where the folders
# had not made it there.
replay() {
  seen_boot=
  { read -r seen_boot <"$pack/boot"; } 2>/dev/null
  [ "$seen_boot" != "$boot" ] || return 0
  if [ -s "$pack/journal" ]; then
    while read -r job epoch _; do
      # What is not known to have been kept from starting may have been started.
      known "$job" "$epoch" && [ ! -e "$jobs/$job/$epoch.go" ] || continue
      [ -d "$jobs/$job/$epoch" ] || mkdir -p "$jobs/$job/$epoch"
      echo run >"$jobs/$job/$epoch.go"
      [ -e "$jobs/$job/$epoch.acked" ] || [ -e "$pack/held/$job.$epoch" ] || echo - >"$pack/held/$job.$epoch"
    done <"$pack/journal"
  fi
  echo "$boot" >"$pack/boot"
}

# Files of held runs that none of ours makes so big go: whoever reads them would never be done. A bundle that is being
# made stands in `*.bundle.lock`.
weigh() {
  set --
  for mark in "$pack"/held/*.*; do
    mark=${mark##*/}
    known "${mark%.*}" "${mark##*.}" && set -- "$@" "$jobs/${mark%.*}/${mark##*.}".*
  done
  [ $# -eq 0 ] || find "$@" -prune -type f \( -size +131072 -o -size +2048 ! -name '*.out' ! -name '*.err' ! -name '*.tail' \
    ! -name '*.bundle' ! -name '*.bundle.lock' \) -exec rm -f {} + 2>/dev/null
}

# → $facts, with what jobs without a worktree keep. Its agents may have written to these files.
list_sessions() {
  for mark in "$pack"/sessions/*/kept; do
    entry=${mark%/kept} used=
    entry=${entry##*/}
    name "$entry" && [ -f "$mark" ] && [ ! -L "$mark" ] && [ ! -e "$pack/trees/$entry.tree" ] || continue
    { read -r _ used _ <"$mark"; } 2>/dev/null
    number "$used" && [ ${#used} -le 10 ] || used=0
    facts="$facts
session $entry $used"
  done
}

# Sessions that were left for a next round, which has not come for a week; and of very many the oldest.
sweep_sessions() {
  set -- "$pack"/sessions/*/kept
  [ -e "$1" ] || return 0
  old=$(find "$@" -prune -type f -mtime +6)
  [ $# -le 40 ] || old="$old $(ls -dt "$@" | tail -n +41)"
  for mark in $old; do
    mark=${mark%/kept}
    name "${mark##*/}" && clear_session "$jobs/${mark##*/}/0"
  done
}

# PACK SLOTS RUNTIME,…
hello() {
  identity=-
  { read -r identity <identity; } 2>/dev/null
  if ! tools; then
    [ -d slots ] || mkdir slots
    probe
  fi
  case $1 in
    -) pack= ;; # only to look at this host
    bin | slots | identity | tools | umask | seen | samples | -* | .* | *[!A-Za-z0-9._-]*)
      answer - - "refused pack"
      return
      ;;
    *) pack=$1 jobs=$1/jobs ;;
  esac
  if [ -n "$pack" ]; then
    [ -d "$pack/held" ] || mkdir -p "$jobs" "$pack/held" slots
    replay
  fi
  [ -z "$pack" ] || {
    weigh
    sweep_sessions
  }
  look
  survey "$2"
  facts="identity $identity
boot $boot
clock $date
arch $arch
slots $used"
  held=
  [ -z "$pack" ] || list_held
  cpus
  { read -r load _ </proc/loadavg && read -r system </proc/sys/kernel/osrelease; } 2>/dev/null
  total=0 free=0
  { while read -r key value _; do
    case $key in
      MemTotal:) total=$value ;;
      MemAvailable:) free=$value && break ;;
    esac
  done </proc/meminfo; } 2>/dev/null
  facts="$facts
cores $cores
load ${load:-0}
system Linux $system
memory $total $free"
  note_sample
  runtimes=$3
  facts="$facts
disk ${disk:-0} ${room:-0}"
  IFS=,
  for runtime in $runtimes; do
    case $runtime:$OLLAMA_HOST in
      ollama:?*) ;; # it is elsewhere, and this host knows where
      *) command -v "$runtime" >/dev/null 2>&1 || continue ;;
    esac
    facts="$facts
runtime $runtime"
  done
  unset IFS
  owner_facts
  [ -z "$pack" ] || {
    list_trees
    list_sessions
  }
  answer - - "$facts$held"
}

# → $cores, out of a list like 0-3,6
cpus() {
  cores=0
  { read -r list </sys/devices/system/cpu/online; } 2>/dev/null || list=0
  IFS=,
  for range in $list; do cores=$((cores + ${range#*-} - ${range%-*} + 1)); done
  unset IFS
}

# A run is in the charge of this process until its supervisor has taken over.
hand_over() {
  for dir in $begun; do
    tries=0
    until [ -e "$dir.go" ] || [ $((tries += 1)) -gt 200 ]; do sleep 0.02; done
  done
}

begun=
while read -r verb nonce a b c d e f g _ <&9; do
  [ -n "$verb" ] || continue # the end of a wait that had ended already
  case $nonce in '' | *[!0-9a-f]*) exit 2 ;; esac
  case $verb:${pack:+ready} in
    hello:*)
      drain
      hello "$a" "$b" "$c"
      ;;
    enroll:*)
      drain
      enroll
      ;;
    start:ready) start "$a" "$b" "$c" "$d" "$e" "$f" "$g" ;;
    ended:ready)
      gather
      ended_of "$a"
      [ -n "$done" ] || [ "$b" != 1 ] || ! ours || hold
      answer - - "${done# }"
      ;;
    ack:ready)
      gather
      ack
      ;;
    samples:*)
      drain
      samples "$a"
      ;;
    versions:*)
      gather
      versions
      ;;
    list:ready)
      drain
      list_held
      answer - - "${held#?}"
      ;;
    fetch:ready | seal:ready | cancel:ready)
      drain
      if known "$a" "$b"; then "$verb" "$a" "$b"; else answer - - "refused bad request"; fi
      ;;
    peek:ready)
      drain
      if known "$a" "$b" && number "$c" && number "$d"; then peek "$a" "$b" "$c" "$d"; else answer - - "refused bad request"; fi
      ;;
    tell:ready)
      if known "$a" "$b"; then
        tell "$a" "$b"
      else
        drain
        answer - - "refused bad request"
      fi
      ;;
    tips:ready | bundle:ready | chunk:ready | land:ready | close:ready)
      if admitted; then
        "code_$verb" "$a" "$b" "$c"
      else
        drain
        refuse "$why"
      fi
      ;;
    state:* | show:* | put:* | more:* | place:* | back:* | remove:* | call:* | uproot:*)
      [ -n "$sync" ] || tools || probe
      if may_change; then
        "file_$verb" "$a" "$b" "$c" "$d" "$e" "$f"
      else
        drain
        refuse "$why"
      fi
      ;;
    *)
      drain
      verb=refused
      answer - - "unknown verb"
      ;;
  esac
done
hand_over
