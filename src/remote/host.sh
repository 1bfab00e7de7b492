# The part of towline that lives on a host. POSIX sh: dash, busybox ash and bash, on Linux.
#   sh ROOT/bin/SHA256 serve           a conversation: requests on stdin, framed answers on stdout
#   sh ROOT/bin/SHA256 supervise DIR   one run of one job, detached from whoever asked for it
# Stored under its own hash and never changed. ROOT also holds
#   identity  tools  slots/N.GENERATION  PACK/journal  PACK/held/JOB.EPOCH  PACK/jobs/JOB/seal
#   PACK/jobs/JOB/EPOCH/  the folder in which the run works; making it is the fence
#   PACK/jobs/JOB/EPOCH.{format,spec,owner,go,agent,command,secret,out,err,result,sum,acked}
# Processes are dear and builtins are cheap here: most of /proc is read with `read`.

case ${LC_ALL+set} in set) unset LC_ALL ;; esac
LC_ALL=C # not exported: bytes are counted here, agents keep their own locale
program=${0##*/}
cd "${0%/bin/*}" || exit 2
format=1
empty=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855

# ── small things ────────────────────────────────────────────────────────────────────────────────

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

# DIR → $pid, $born and $was of the last who took charge of this run. Lines are only added: a reader never sees half a one.
owner() {
  pid= born= was=
  { while read -r a_pid a_born a_boot; do pid=$a_pid born=$a_born was=$a_boot; done <"$1.owner"; } 2>/dev/null
  [ -n "$was" ]
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

# ── the run ─────────────────────────────────────────────────────────────────────────────────────

# NAME: takes the stream from fd 3 into DIR/NAME and says in DIR/NAME.total how much it was. Small streams cost one dd.
# A stream that outgrows what is kept goes on through tail and sha256sum: its size never matters to this host.
capture() {
  file=$dir.$1 total=0 limit=$((keep * 2 + 16896))
  : >"$file"
  while count=$(((limit - total) / 512)) && [ "$count" -gt 32 ]; do
    LC_ALL=C dd bs=512 "count=$count" <&3 >>"$file" 2>"$file.dd" &
    echo "$!" >"$file.reader"
    wait $!
    code=$? full= part= bytes=
    while IFS='+ ' read -r first second third fourth; do
      case "$third $fourth" in "records in") full=$first part=$second ;; esac
      [ "$second" != bytes ] || bytes=$first
    done <"$file.dd"
    if [ "$code" -ne 0 ] || [ -z "$part" ]; then # killed, or the disk is full
      if [ "$code" -lt 128 ]; then               # what there is stays, and the writer may go on
        cat <&3 >/dev/null &
        echo "$!" >"$file.reader"
        wait $!
      fi
      total=$(($(wc -c <"$file")))
      break
    fi
    [ -n "$bytes" ] || bytes=$(($(wc -c <"$file") - total)) # busybox may leave its third line out
    total=$((total + bytes))
    if [ $((full + part)) -lt "$count" ]; then
      break
    fi
  done
  if [ "$count" -gt 32 ]; then
    echo "$total -" >"$file.total"
    return
  fi
  mkfifo "$file.a" "$file.b"
  tail -c "$keep" <"$file.a" >"$file.tail" &
  tail=$!
  wc -c <"$file.b" >"$file.count" &
  wc=$!
  {
    cat "$file"
    cat <&3 &
    echo "$!" >"$file.reader"
    wait $!
  } | tee "$file.a" "$file.b" | sha256sum >"$file.sha"
  wait "$tail" "$wc"
  read -r total <"$file.count"
  read -r sha _ <"$file.sha"
  echo "$((total)) $sha" >"$file.total"
}

# NAME: cuts DIR/NAME to head and tail when it is longer than what is kept → $bytes, $sha (or - when head has it),
# $head and $tail bytes
trim() {
  file=$dir.$1 bytes= sha= tail=0
  { read -r bytes sha <"$file.total"; } 2>/dev/null
  [ -e "$file" ] || : >"$file"
  [ -n "$sha" ] || bytes=$(($(wc -c <"$file"))) sha=-
  head=$bytes
  [ "$bytes" -gt $((keep * 2)) ] || return 0
  head=$keep tail=$keep
  if [ "$sha" = - ]; then
    sha=$(sha256sum <"$file")
    sha=${sha%% *}
    tail -c "$keep" "$file" >"$file.tail"
  fi
  dd "bs=$keep" count=1 if="$file" of="$file.head" 2>/dev/null
  mv -f "$file.head" "$file"
}

# EXIT END TOOK → $text and its $size: the description of what was captured
account() {
  trim out
  out_bytes=$bytes out_sha=$sha out_cut="$head $tail"
  trim err
  err_bytes=$bytes err_sha=$sha err_cut="$head $tail"
  text="format $format
job $job
epoch $epoch
exit $1
end $2
started $started
took $3
boot $was
program $program"
  set --
  for name in out out.tail err err.tail; do
    [ -s "$dir.$name" ] && set -- "$@" "$dir.$name"
  done
  out_head=$empty out_tail=- err_head=$empty err_tail=-
  if [ $# -gt 0 ]; then
    hashes=$(sha256sum "$@")
    # shellcheck disable=SC2086
    set -- $hashes
  fi
  while [ $# -gt 1 ]; do
    case $2 in
      *.out) out_head=$1 ;;
      *.out.tail) out_tail=$1 ;;
      *.err) err_head=$1 ;;
      *.err.tail) err_tail=$1 ;;
    esac
    shift 2
  done
  [ "$out_sha" = - ] && out_sha=$out_head
  [ "$err_sha" = - ] && err_sha=$err_head
  text="$text
out $out_bytes $out_sha $out_cut $out_head $out_tail
err $err_bytes $err_sha $err_cut $err_head $err_tail"
  size=$((${#text} + 1))
}

# EXIT END TOOK: what was captured becomes the result, once and for all
conclude() {
  if [ -s "$dir.secret" ]; then
    while IFS= read -r name; do rm -rf "$dir/$name"; done <"$dir.secret"
  fi
  end=$2
  account "$1" "$2" "$3"
  set -C
  { echo "$text" >"$dir.result"; } 2>/dev/null
  set +C -- $? "$3"
  if [ "$1" -ne 0 ] && ! whole; then # another writes it right now, or was killed over it, or the disk is full
    sleep 0.3
    whole || { echo "$text" >"$dir.result"; } 2>/dev/null
    size=
  fi
  whole || shrink "$2" || return 1
  durable "$dir.result" "$dir.out" "$dir.err"
  stamp
}

# TOOK: on a full disk most of the streams goes, so that there is room to say so. Nobody can tell what else of the
# run is missing then: it counts as died.
shrink() {
  end=died
  for kept in 4096 0; do
    for name in out err; do
      [ "$(wc -c <"$dir.$name")" -le "$kept" ] || dd if=/dev/null of="$dir.$name" bs=1 "seek=$kept" 2>/dev/null
    done
    rm -f "$dir".*.tail "$dir".*.total "$dir".*.dd "$dir".*.reader "$dir".*.sha "$dir".*.count
    keep=4096
    account - died "$1"
    { echo "$text" >"$dir.result"; } 2>/dev/null
    whole && return
  done
  rm -f "$dir.result"
  return 1
}

# Was all of the result written?
whole() {
  last=
  { while read -r key _; do last=$key; done <"$dir.result"; } 2>/dev/null
  [ "$last" = err ]
}

# The result's hash, size and end go beside it: with that the run has ended, for everybody.
stamp() {
  hash=$(sha256sum "$dir.result")
  hash=${hash%% *}
  if [ -z "$size" ]; then
    size=$(($(wc -c <"$dir.result")))
    end=$(sed -n 's/^end //p' "$dir.result")
  fi
  { echo "$hash $size $end" >"$dir.sum"; } 2>/dev/null
}

spec() { { read -r job epoch day deadline keep started since was program <"$dir.spec"; } 2>/dev/null; }

# NAME: ends the reader of that stream, so that what came so far can be put down
cut_off() {
  { read -r pid <"$dir.$1.reader" && read -r line <"/proc/$pid/stat"; } 2>/dev/null || return 1
  case $line in *"(dd) "* | *"(cat) "* | *"(busybox) "*) kill "$pid" 2>/dev/null ;; *) return 1 ;; esac
}

# MARK: ends what is left of a run, in its group or out of it; fails when nothing is. `read` leaves out the NULs.
hunt() {
  prey=
  for found in /proc/[0-9]*; do
    {
      while IFS= read -r line || [ -n "$line" ]; do
        case $line in *"TOWLINE_RUN=$1"*)
          kill -s KILL "${found#/proc/}" && prey=1
          break
          ;;
        esac
      done <"$found/environ"
    } 2>/dev/null
  done
  [ -n "$prey" ]
}

ended() { [ -s "$dir.out.total" ] && [ -s "$dir.err.total" ]; }

# Waits until both captures have ended; a child that left the group and holds a stream does not hold us up.
collect() {
  tries=0
  until ended; do
    tries=$((tries + 1))
    case $tries in
      ? | ??) ;; # they end within a millisecond; a sleep is a process
      10? | 110) sleep 0.01 ;;
      130) hunt "$mark" ;;
      160)
        cut_off out
        cut_off err
        ;;
      190) return ;;
      *) sleep 0.03 ;;
    esac
  done
}

# SIGNAL: to the agent's group, or to the agent while it has no group yet
strike() { kill -s "$1" -- "-$agent" 2>/dev/null || kill -s "$1" "$agent" 2>/dev/null; }

stop_agent() {
  stopping=1 stopped=1
  [ -n "$agent" ] || return 0
  strike TERM
  { sleep 5; strike KILL; } &
}

launch() {
  command=
  while IFS= read -r line || [ -n "$line" ]; do command="$command$line
"; done <"$dir.command"
  command=${command%?}
  limit=$((deadline / 1000)).$(((deadline / 100) % 10))
  read -r mask <umask
  {
    cd "$dir" || exit 126
    umask "$mask"
    export TOWLINE_RUN="$mark"
    case $timeout in
      group) exec timeout -k 5 "$limit" sh -c "$command" ;;
      *) exec setsid sh -c "$command" ;;
    esac
  } </dev/null >"$dir.out.pipe" 2>"$dir.err.pipe" &
  agent=$!
  [ "$timeout" = group ] && return
  # shellcheck disable=SC2016
  setsid sh -c 'sleep "$1"; : >"$2/overtime"; kill -s TERM -- "-$3"; sleep 5; kill -s KILL -- "-$3"' \
    watch "$limit" "$dir" "$agent" </dev/null >/dev/null 2>&1 &
  watch=$!
}

supervise() {
  dir=$1 agent= watch= stopping= stopped= exit=
  umask 077
  tools
  spec || exit 1
  birth $$ && echo "$$ $birth $was" >>"$dir.owner"
  trap stop_agent TERM
  token "$dir.go" run || exit 0 # it was decided that this run never starts
  clock
  since=$now mark=$1/$since
  if [ ! -e "$dir.cancel" ]; then
    mkfifo "$dir.out.pipe" "$dir.err.pipe"
    capture out 3<"$dir.out.pipe" &
    capture err 3<"$dir.err.pipe" &
    launch
    [ -z "$stopped" ] || stop_agent
    while :; do
      stopping=
      wait "$agent"
      code=$?
      [ "$code" = 127 ] && [ -n "$exit" ] || exit=$code
      [ -n "$stopping" ] || break
    done
    trap '' TERM
    kill -s KILL -- "-$agent" 2>/dev/null
    [ -z "$watch" ] || kill -s KILL -- "-$watch" 2>/dev/null
    collect
  else
    exit=143 stopped=1
  fi
  clock
  took=$((now - since)) end=exited
  case $exit in 124 | 137 | 143) [ $((took * 10)) -lt "$deadline" ] || end=timeout ;; esac
  [ ! -e "$dir.overtime" ] || end=timeout
  if [ -n "$stopped" ]; then
    end=died
    [ ! -e "$dir.cancel" ] || end=cancelled
  fi
  [ "$end" = exited ] || hunt "$mark"
  conclude "$exit" "$end" "$took"
}

if [ "$1" = supervise ]; then
  supervise "$2"
  exit
fi

# ── the conversation ────────────────────────────────────────────────────────────────────────────

# Children read /dev/null; requests come by fd 9, which no run inherits.
exec 9<&0 </dev/null
umask >umask
umask 077
read -r boot </proc/sys/kernel/random/boot_id
self=
PATH=$HOME/.local/bin:$PATH

# JOB EPOCH TEXT
answer() {
  printf '\ntowline1 %s %s %s %s %s -\n%s\ntowline1-end %s\n' "$nonce" "$verb" "$1" "$2" "${#3}" "$3" "$nonce"
}

drain() {
  while IFS= read -r line <&9; do
    [ "$line" != "end $nonce" ] || return 0
  done
  hand_over
  exit 0
}

# Reads the body of a request into $body, one word a space.
gather() {
  body=
  while IFS= read -r line <&9; do
    [ "$line" != "end $nonce" ] || return 0
    body="$body $line"
  done
  exit 0
}

number() { case $1 in '' | *[!0-9]* | ????????????????*) return 1 ;; esac; }
name() { case $1 in '' | -* | .* | *[!A-Za-z0-9._-]*) return 1 ;; esac; }
known() { name "$1" && number "$2"; }

# DIR → $state: running, ended, died, acked, none. A run whose supervisor is gone gets its result here.
settle() {
  dir=$1 state=none
  [ -d "$dir" ] || return 1
  state=acked
  [ ! -e "$dir.acked" ] || return 0
  { read -r state <"$dir.format"; } 2>/dev/null || state=$format
  [ "$state" = "$format" ] || {
    state=format-$state
    return 1
  }
  if [ ! -e "$dir.sum" ]; then
    state=running
    owner "$dir" || doze 20
    owner "$dir"
    [ "$was" = "$boot" ] && alive "$pid" "$born" && return 0
    if ! token "$dir.go" never; then
      owner "$dir"
      [ "$was" = "$boot" ] && alive "$pid" "$born" && return 0
    fi
    [ -e "$dir.sum" ] || bury
  fi
  hash= size= end=
  { read -r hash size end <"$dir.sum"; } 2>/dev/null
  if [ -z "$end" ]; then
    state=unsaved
    [ -e "$dir.result" ] && stamp && [ -n "$end" ] || return 1
  fi
  state=ended
  [ "$end" != died ] || state=died
}

# What is left of a run whose supervisor was killed, or whose machine was restarted.
bury() {
  own=$program took=0
  spec || {
    epoch=${dir##*/} job=${dir%/*} day=- keep=65536 was=-
    job=${job##*/} started=$((date * 100))
  }
  if [ "$was" = "$boot" ]; then
    clock
    took=$((now - since))
    hunt "$pack/jobs/$job/$epoch/" && doze 20
    cut_off out && doze 10
    cut_off err && doze 10
  fi
  conclude - died "$took"
  program=$own
}

# JOB EPOCH: $line for the list of what is held
held_line() {
  settle "$pack/jobs/$1/$2" || return 1
  [ "$state" != acked ] || return 1
  { read -r _ _ day _ <"$dir.spec"; } 2>/dev/null || day=-
  line="held $1 $2 $day $state ${hash:--}"
}

list_held() {
  held=
  for mark in "$pack"/held/*.*; do
    mark=${mark##*/} hash=
    known "${mark%.*}" "${mark##*.}" && held_line "${mark%.*}" "${mark##*.}" && held="$held
$line"
  done
}

# → $used, and $open and $generation of the first free slot below TOTAL. A slot is taken by making its next generation;
# it is free again when its holder's run has ended, so nobody has to give it back.
survey() {
  used=0 open= seen=
  for file in slots/*.*; do
    file=${file#slots/}
    slot=${file%.*} generation=${file#*.}
    number "$slot" && number "$generation" || continue
    case "$seen " in *" $slot "*) ;; *) seen="$seen $slot" ;; esac
    eval "[ $generation -le \${top_$slot:-0} ] || top_$slot=$generation"
  done
  slot=0
  while [ "$slot" -lt "$1" ]; do
    slot=$((slot + 1))
    case "$seen " in *" $slot "*) ;; *) seen="$seen $slot" ;; esac
  done
  for slot in $seen; do
    eval "generation=\${top_$slot:-0}"
    if [ "$generation" -gt 0 ] && taken "slots/$slot.$generation"; then
      used=$((used + 1))
    elif [ -z "$open" ] && [ "$slot" -le "$1" ]; then
      open=$slot
    fi
  done
  [ -n "$open" ] && eval "generation=\$((\${top_$open:-0} + 1))"
}

taken() {
  [ -e "$1" ] || return 1
  { read -r where pid born was <"$1"; } 2>/dev/null || doze 10
  { read -r where pid born was <"$1"; } 2>/dev/null || return 1
  [ ! -e "$where.sum" ] && [ ! -e "$where.acked" ] || return 1
  [ ! -e "$where.owner" ] || owner "$where"
  [ "$was" = "$boot" ] && alive "$pid" "$born"
}

# TOTAL: takes a slot for $dir → $slot_file
claim() {
  tries=0
  while [ $tries -lt 9 ]; do
    tries=$((tries + 1))
    survey "$1"
    [ -n "$open" ] && [ "$used" -lt "$1" ] || return 1
    slot_file=slots/$open.$generation
    token "$slot_file" "$dir $self" || continue
    [ $((generation % 16)) -ne 0 ] || sweep
    return 0
  done
  return 1
}

# Removes older generations of slot $open; the last two stay for those who are looking right now.
sweep() {
  old=$((generation - 18))
  set --
  while [ $old -lt $((generation - 2)) ]; do
    old=$((old + 1))
    set -- "$@" "slots/$open.$old"
  done
  rm -f "$@"
}

# Sees what stands against a start of $job $epoch → $why, the answer
barred() {
  why=
  if [ -e "$jobs/$job/seal" ]; then
    while read -r sealed; do
      number "$sealed" && [ "$sealed" -gt "$epoch" ] && why="sealed $sealed"
    done <"$jobs/$job/seal"
    [ -z "$why" ] || return 0
  fi
  for other in "$jobs/$job"/*/; do
    other=${other%/}
    at=${other##*/}
    number "$at" && [ "$at" -ne "$epoch" ] || continue
    if [ "$at" -gt "$epoch" ]; then
      why="sealed $at"
      return 0
    fi
    [ ! -e "$other.acked" ] || continue
    # An older claim that has not started yet never will.
    token "$other.go" never
    { read -r went <"$other.go"; } 2>/dev/null
    [ "$went" = never ] || why="already $at"
  done
  [ -n "$why" ]
}

# Reads the files of a launch into DIR → $wrong. Fails when the request ends in the middle.
receive() {
  wrong=
  while IFS= read -r line <&9; do
    case $line in
      +*) printf '%b' "${line#+}" >&4 || wrong="cannot write: is the disk full?" ;;
      "file "*) open_file "$dir/" "${line#file }" ;;
      "secret "*) echo "${line#secret }" >>"$dir.secret" ;;
      command) open_file "$dir." command ;;
      "end $nonce")
        exec 4>&-
        return 0
        ;;
      *) wrong="unknown line in the request" ;;
    esac
  done
  return 1
}

# FOLDER NAME: what follows in the request goes there, by fd 4
open_file() {
  exec 4>/dev/null
  case /$2/ in
    */../* | */./* | *//* | */-* | *[!A-Za-z0-9._/-]*)
      wrong="refused file name"
      return
      ;;
    /*/*/) mkdir -p "$1${2%/*}" || wrong="cannot make a folder" ;;
  esac
  if { : >"$1$2"; } 2>/dev/null; then exec 4>"$1$2"; else wrong="cannot write: is the disk full?"; fi
}

# Nothing was started and nothing will be: the fence goes, so that the same claim may come again.
retreat() {
  token "$dir.go" never
  echo "- 0 0 -" >"$slot_file"
  rm -rf "$dir" "$dir".* "$pack/held/$job.$epoch"
}

start() {
  job=$1 epoch=$2 day=$3 deadline=$4 keep=$5 slots=$6
  known "$job" "$epoch" && number "$deadline" && number "$keep" && number "$slots" || {
    drain
    answer - - "refused bad request"
    return
  }
  dir=$jobs/$job/$epoch
  [ -n "$self" ] || { birth $$ && self="$$ $birth $boot"; }
  if [ -n "$missing" ]; then
    drain
    answer "$job" "$epoch" "refused this host lacks $missing"
  elif [ -d "$dir" ]; then
    drain
    answer "$job" "$epoch" "already $epoch"
  elif barred; then
    drain
    answer "$job" "$epoch" "$why"
  elif ! claim "$slots"; then
    drain
    answer "$job" "$epoch" full
  else
    [ -d "$jobs/$job" ] || mkdir "$jobs/$job" 2>/dev/null
    if mkdir "$dir" 2>/dev/null; then # the fence: one of all who try
      echo "$self" >"$dir.owner"
      fenced
    else
      echo "- 0 0 -" >"$slot_file"
      drain
      if [ -d "$dir" ]; then
        answer "$job" "$epoch" "already $epoch"
      else
        answer "$job" "$epoch" "refused cannot make the job's folder: is the disk full?"
      fi
    fi
  fi
}

# The rest of a start, with the fence won.
fenced() {
  if ! receive; then
    retreat
    exit 0
  fi
  why="refused $wrong"
  [ -z "$wrong" ] || {
    retreat
    answer "$job" "$epoch" "$why"
    return
  }
  clock
  if barred; then
    retreat
    answer "$job" "$epoch" "$why"
    return
  fi
  at=$((date * 100 + now - asked))
  {
    echo "$format" >"$dir.format" &&
      echo "$job $epoch $day $deadline $keep $at $now $boot $program" >"$dir.spec" &&
      : >"$pack/held/$job.$epoch" &&
      echo "$job $epoch $((at / 100)) $boot" >>"$pack/journal"
  } 2>/dev/null || {
    retreat
    answer "$job" "$epoch" "refused cannot write the journal: is the disk full?"
    return
  }
  durable "$pack/journal" "$dir" "$jobs/$job" "$jobs"
  setsid sh "./bin/$program" supervise "$dir" </dev/null >/dev/null 2>"$dir.log" 9<&- &
  begun="$begun $dir"
  answer "$job" "$epoch" started
}

# Which of the runs in the body have ended. Whoever waits asks again: that costs no process here, and where
# $1 is not 1 no look at the supervisors either.
ended_of() {
  done=
  for run in $body; do
    known "${run%/*}" "${run#*/}" || continue
    [ -e "$jobs/$run.sum" ] || { [ "$1" = 1 ] && settle "$jobs/$run" && [ "$state" != running ]; } || continue
    done="$done $run"
  done
  answer - - "${done# }"
}

fetch() {
  job=$1 epoch=$2 hash=
  settle "$jobs/$job/$epoch"
  case $state in
    ended | died) ;;
    *)
      answer "$job" "$epoch" "$state"
      return
      ;;
  esac
  set -- "$dir.result" "$dir.out"
  bytes=$size
  [ ! -e "$dir.out.tail" ] || set -- "$@" "$dir.out.tail"
  set -- "$@" "$dir.err"
  [ ! -e "$dir.err.tail" ] || set -- "$@" "$dir.err.tail"
  sizes "$dir"
  printf '\ntowline1 %s %s %s %s %s %s\n' "$nonce" "$verb" "$job" "$epoch" "$bytes" "$hash"
  cat "$@"
  printf '\ntowline1-end %s\n' "$nonce"
}

# Adds what DIR holds of the streams to $bytes.
sizes() {
  while read -r key _ _ head tail _; do
    case $key in out | err) bytes=$((bytes + head + tail)) ;; esac
  done <"$1.result"
}

seal() {
  job=$1 epoch=$2 highest=-
  [ -d "$jobs/$job" ] || mkdir "$jobs/$job"
  echo "$epoch" >>"$jobs/$job/seal"
  durable "$jobs/$job/seal" "$jobs/$job" "$jobs"
  for other in "$jobs/$job"/*/; do
    other=${other%/}
    at=${other##*/}
    number "$at" && [ "$at" -lt "$epoch" ] || continue
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
    owner "$dir"
    { read -r went <"$dir.go"; } 2>/dev/null && alive "$pid" "$born" && kill "$pid"
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
    echo "$hash" >"$dir.acked"
    for file in "$dir".* "$dir"/* "$dir"/.[!.]*; do
      case ${file#"$dir".} in format | go | acked) ;; *) set -- "$@" "$file" ;; esac
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
    bin | slots | identity | tools | umask | seen | -* | .* | *[!A-Za-z0-9._-]*)
      answer - - "refused pack"
      return
      ;;
    *) pack=$1 jobs=$1/jobs ;;
  esac
  [ -z "$pack" ] || [ -d "$pack/held" ] || mkdir -p "$jobs" "$pack/held" slots
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
  runtimes=$3
  facts="$facts
disk ${disk:-0} ${room:-0}"
  IFS=,
  for runtime in $runtimes; do
    command -v "$runtime" >/dev/null 2>&1 && facts="$facts
runtime $runtime"
  done
  unset IFS
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
while read -r verb nonce a b c d e f _ <&9; do
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
    start:ready) start "$a" "$b" "$c" "$d" "$e" "$f" ;;
    ended:ready)
      gather
      ended_of "$a"
      ;;
    ack:ready)
      gather
      ack
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
    *)
      drain
      verb=refused
      answer - - "unknown verb"
      ;;
  esac
done
hand_over
