case ${LC_ALL+set} in set) unset LC_ALL ;; esac
LC_ALL=C # not exported: bytes are counted here, agents keep their own locale
program=${0##*/}
cd "${0%/bin/*}" || exit 2
format=1
empty=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
clock() {
  read -r now _ </proc/uptime
  set -- "${now%.*}" "${now#*.}"
  now=$(($1 * 100 + ${2#0}))
}
birth() {
  birth=
  { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
  set -- ${line##*) }
  case $1 in Z | X | x) return 1 ;; esac
  birth=${20}
}
alive() { [ -n "$1" ] && birth "$1" && [ "$birth" = "$2" ]; }
owner() {
  pid= born= was=
  {
    while read -r a_pid a_born a_boot _; do
      case $a_pid in spec*) ;; *) pid=$a_pid born=$a_born was=$a_boot ;; esac
    done <"$1.owner"
  } 2>/dev/null
  [ -n "$was" ]
}
spec() {
  foreign=
  {
    while read -r key job epoch day deadline keep started since was program _; do
      case $key in
        "spec$format") return 0 ;;
        spec*) foreign=${key#spec} ;;
      esac
    done <"$dir.owner"
  } 2>/dev/null
  return 1
}
token() {
  set -C
  { echo "$2" >"$1"; } 2>/dev/null
  set -- $?
  set +C
  return "$1"
}
durable() {
  case $sync in
    file) sync "$@" 2>/dev/null || sync ;;
    dd) for file; do [ -d "$file" ] || dd if=/dev/null of="$file" conv=notrunc,fsync 2>/dev/null; done ;;
    *) sync ;;
  esac
}
doze() {
  case $1 in
    ?) sleep "0.0$1" ;;
    ??) sleep "0.$1" ;;
    *) sleep "$(($1 / 100))" ;;
  esac
}
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
capture() {
  file=$dir.$1 total=0 sha=- limit=$((keep * 2 + 16896))
  while count=$(((limit - total) / 512)) && [ "$count" -gt 32 ]; do
    stats=$(LC_ALL=C dd bs=512 "count=$count" <&3 2>&1 >>"$file")
    code=$? blocks= bytes= before=
    for word in $stats; do
      case $word in
        records) blocks=${blocks:-$before} ;;
        bytes) bytes=$before ;;
      esac
      before=$word
    done
    if [ "$code" -ne 0 ] || [ -z "$blocks" ]; then
      [ "$code" -ge 128 ] || { sha=short && cat <&3 >/dev/null; }
      total=$(($(wc -c <"$file")))
      break
    fi
    [ -n "$bytes" ] || bytes=$(($(wc -c <"$file") - total)) # busybox may not say it
    total=$((total + bytes))
    [ $((${blocks%+*} + ${blocks#*+})) -ge "$count" ] || break
  done
  if [ "$count" -le 32 ]; then
    mkfifo "$file.a" "$file.b"
    tail -c "$keep" <"$file.a" >"$file.tail" &
    tail=$!
    wc -c <"$file.b" >"$file.count" &
    wc=$!
    {
      cat "$file"
      cat <&3
    } | tee "$file.a" "$file.b" | sha256sum >"$file.sha"
    wait "$tail" "$wc"
    read -r total <"$file.count"
    read -r sha _ <"$file.sha"
    total=$((total))
  fi
  echo "$1 $total $sha" >>"$dir.streams"
}
tally() {
  out_seen= err_seen=
  {
    while read -r key seen; do
      case $key in
        out) out_seen=$seen ;;
        err) err_seen=$seen ;;
      esac
    done <"$dir.streams"
  } 2>/dev/null
  [ -n "$out_seen" ] && [ -n "$err_seen" ]
}
trim() {
  file=$dir.$1 bytes=${2% *} sha=${2#* } tail=0
  [ -e "$file" ] || : >"$file"
  [ -n "$2" ] || bytes=$(($(wc -c <"$file")))
  [ ${#sha} -eq 64 ] || sha=-
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
describe() {
  tally
  trim out "$out_seen"
  size=$((head + tail))
  text="out $bytes $sha $head $tail"
  trim err "$err_seen"
  size=$((size + head + tail))
  text="format $format
job $job
epoch $epoch
exit $1
end $2
started $started
took $3
boot $was
program $program
$text
err $bytes $sha $head $tail"
  size=$((size + ${#text} + 1))
}
conclude() {
  if [ -s "$dir.secret" ]; then
    while IFS= read -r name; do rm -rf "$dir/$name"; done <"$dir.secret"
  fi
  end=$2
  describe "$1" "$2" "$3"
  set -C
  { echo "$text" >"$dir.result"; } 2>/dev/null
  set +C -- $? "$3"
  if [ "$1" -ne 0 ]; then # another has written it or writes it right now, or was killed over it, or the disk is full
    whole || sleep 0.3
    whole || { echo "$text" >"$dir.result"; } 2>/dev/null
    size=
    whole || shrink "$2" || return 1
  fi
  set -- "$dir.result"
  [ ! -s "$dir.out" ] || set -- "$@" "$dir.out"
  [ ! -s "$dir.err" ] || set -- "$@" "$dir.err"
  durable "$@"
  stamp
}
shrink() {
  end=died
  for kept in 4096 0; do
    for name in out err; do
      [ "$(wc -c <"$dir.$name")" -le "$kept" ] || dd if=/dev/null of="$dir.$name" bs=1 "seek=$kept" 2>/dev/null
    done
    rm -f "$dir".*.tail "$dir".*.sha "$dir".*.count "$dir.streams"
    keep=4096
    describe - died "$1"
    { echo "$text" >"$dir.result"; } 2>/dev/null
    whole && return
  done
  rm -f "$dir.result"
  return 1
}
whole() {
  last=
  { while read -r key _; do last=$key; done <"$dir.result"; } 2>/dev/null
  [ "$last" = err ]
}
stamp() {
  [ -n "$size" ] || recount || return 1
  set -- "$dir.result"
  for name in out out.tail err err.tail; do
    [ ! -s "$dir.$name" ] || set -- "$@" "$dir.$name"
  done
  hashes=$(sha256sum "$@")
  set -- $hashes
  hash= out_hash=- out_tail=- err_hash=- err_tail=-
  while [ $# -gt 1 ]; do
    case $2 in
      *.result) hash=$1 ;;
      *.out) out_hash=$1 ;;
      *.out.tail) out_tail=$1 ;;
      *.err) err_hash=$1 ;;
      *.err.tail) err_tail=$1 ;;
    esac
    shift 2
  done
  parts="$out_hash $out_tail $err_hash $err_tail"
  [ -n "$hash" ] && { echo "$format $hash $size $end $parts" >"$dir.sum"; } 2>/dev/null
}
recount() {
  size=$(wc -c <"$dir.result") || return 1
  size=$((size))
  while read -r key value _ head tail; do
    case $key in
      end) end=$value ;;
      out | err) size=$((size + head + tail)) ;;
    esac
  done <"$dir.result"
}
cut_off() {
  for found in /proc/[0-9]*; do
    [ "$found/fd/0" -ef "$dir.$1.pipe" ] && kill "${found#/proc/}"
  done 2>/dev/null
}
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
let_go() { { :; } 3<>"$dir.out.pipe" 4<>"$dir.err.pipe"; } 2>/dev/null
collect() {
  tries=0
  until tally; do
    tries=$((tries + 1))
    case $tries in
      ? | 1?) ;; # they end within a millisecond, and a sleep is a process
      2[0-3]) ( : ) ;; # lets others run, for less
      2?)
        let_go
        sleep 0.01
        ;;
      60) hunt "$mark" ;;
      90)
        cut_off out
        cut_off err
        ;;
      120) return ;;
      *)
        let_go
        sleep 0.03
        ;;
    esac
  done
}
strike() { kill -s "$1" -- "-$agent" 2>/dev/null || kill -s "$1" "$agent" 2>/dev/null; }
stop_agent() {
  stopping=1 stopped=1
  [ -n "$agent" ] || return 0
  strike TERM
  [ -z "$grace" ] || return 0
  { sleep 5; kill -s KILL -- "-$agent"; } &
  grace=$!
}
launch() {
  limit=$((deadline / 1000)).$(((deadline / 100) % 10))
  read -r mask <umask
  {
    cd "$dir" || exit 126
    umask "$mask"
    export TOWLINE_RUN="$mark"
    [ ! -e "../${dir##*/}.cancel" ] || exit 143 # a signal in the moment of the fork is lost
    case $timeout in
      group) exec timeout -k 5 "$limit" sh -c "$command" ;;
      *) exec setsid sh -c "$command" ;;
    esac
  } </dev/null >"$dir.out.pipe" 2>"$dir.err.pipe" &
  agent=$!
  [ "$timeout" = group ] && return
  TOWLINE_RUN=$mark setsid sh -c \
    'sleep "$1"; : >"$2.overtime"; kill -s TERM -- "-$3"; sleep 5; kill -s KILL -- "-$3"' \
    watch "$limit" "$dir" "$agent" </dev/null >/dev/null 2>&1 &
  watch=$!
}
supervise() {
  dir=$1 command=$2 agent= watch= grace= stopping= stopped= exit=
  umask 077
  tools
  spec || exit 1
  birth $$ && echo "$$ $birth $was" >>"$dir.owner"
  trap stop_agent TERM
  token "$dir.go" run || exit 0 # it was decided that this run never starts
  clock
  since=$now mark=$PWD/$1/$since
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
      case $code in *[!0-9]*) code=143 ;; esac # what bash may say of an interrupted wait
      [ "$code" = 127 ] && [ -n "$exit" ] || exit=$code
      [ -n "$stopping" ] || break
    done
    trap '' TERM
    [ -z "$grace" ] || kill "$grace"
    kill -s KILL -- "-$agent" 2>/dev/null
    [ -z "$watch" ] || kill -s KILL -- "-$watch" 2>/dev/null || kill -s KILL "$watch" 2>/dev/null
    collect
  else
    exit=143 stopped=1
  fi
  clock
  took=$((now - since)) end=exited
  case $exit in 124 | 137 | 143) [ $((took * 10)) -lt "$deadline" ] || end=timeout ;; esac
  [ ! -e "$dir.overtime" ] || end=timeout
  [ -z "$stopped" ] || end=died # ended by the machine's own shutdown, unless somebody cancelled it
  if [ -e "$dir.cancel" ] && { [ -n "$stopped" ] || [ "$exit" -eq 143 ]; }; then end=cancelled; fi
  [ "$end" = exited ] || hunt "$mark"
  if [ -n "$agent" ]; then # where the disk was full, nobody can tell what else is missing
    tally || end=died
    case "$out_seen $err_seen" in *short*) end=died ;; esac
  fi
  conclude "$exit" "$end" "$took"
}
if [ "$1" = supervise ]; then
  supervise "$2" "$3"
  exit
fi
exec 9<&0 </dev/null
[ -s umask ] || umask >umask
umask 077
read -r boot </proc/sys/kernel/random/boot_id
self=
PATH=$HOME/.local/bin:$PATH
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
settle() {
  dir=$1 state=none
  [ -d "$dir" ] || return 1
  state=acked
  [ ! -e "$dir.acked" ] || return 0
  if [ ! -e "$dir.sum" ]; then
    state=running
    owner "$dir" || doze 20
    owner "$dir"
    [ "$was" = "$boot" ] && alive "$pid" "$born" && return 0
    if ! token "$dir.go" never; then
      owner "$dir"
      [ "$was" = "$boot" ] && alive "$pid" "$born" && return 0
    fi
    [ -e "$dir.sum" ] || bury || return 1
  fi
  foreign= hash= size= end= parts=
  { read -r foreign hash size end parts <"$dir.sum"; } 2>/dev/null
  if [ -n "$foreign" ] && [ "$foreign" != "$format" ]; then
    state=format-$foreign
    return 1
  fi
  if [ -z "$parts" ]; then
    state=unsaved size=
    [ -e "$dir.result" ] && stamp || return 1
  fi
  state=ended
  [ "$end" != died ] || state=died
}
bury() {
  own=$program took=0
  spec || {
    state=format-$foreign
    [ -z "$foreign" ] || return 1
    epoch=${dir##*/} job=${dir%/*} day=- keep=65536 was=-
    job=${job##*/} started=$((date * 100))
  }
  if [ "$was" = "$boot" ]; then
    clock
    took=$((now - since))
  fi
  hunt "$PWD/$dir/" && doze 20
  [ ! -p "$dir.out.pipe" ] || [ ! -p "$dir.err.pipe" ] || let_go
  tally || {
    cut_off out
    cut_off err
    doze 10
  }
  conclude - died "$took"
  program=$own
}
held_line() {
  settle "$pack/jobs/$1/$2" || return 1
  [ "$state" != acked ] || return 1
  { read -r day <"$pack/held/$1.$2"; } 2>/dev/null || day=-
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
  { read -r where pid born was <"$1"; } 2>/dev/null || { doze 10 && read -r where pid born was <"$1"; } 2>/dev/null || return 1
  [ ! -e "$where.sum" ] && [ ! -e "$where.acked" ] || return 1
  [ ! -e "$where.owner" ] || owner "$where"
  [ "$was" = "$boot" ] && alive "$pid" "$born"
}
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
sweep() {
  old=$((generation - 18))
  set --
  while [ $old -lt $((generation - 2)) ]; do
    old=$((old + 1))
    set -- "$@" "slots/$open.$old"
  done
  rm -f "$@"
}
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
    token "$other.go" never
    { read -r went <"$other.go"; } 2>/dev/null
    [ "$went" = never ] || why="already $at"
  done
  [ -n "$why" ]
}
receive() {
  wrong= command=
  while IFS= read -r line <&9; do
    case $line in
      +*) printf '%b' "${line#+}" >&4 || wrong="cannot write: is the disk full?" ;;
      "file "*) open_file "${line#file }" ;;
      "secret "*) echo "${line#secret }" >>"$dir.secret" ;;
      "command "*)
        command="$command${command:+
}${line#command }"
        ;;
      "end $nonce")
        exec 4>&-
        return 0
        ;;
      *) wrong="unknown line in the request" ;;
    esac
  done
  return 1
}
open_file() {
  exec 4>/dev/null
  case /$1/ in
    */../* | */./* | *//* | */-* | *[!A-Za-z0-9._/-]*)
      wrong="refused file name"
      return
      ;;
    /*/*/) mkdir -p "$dir/${1%/*}" || wrong="cannot make a folder" ;;
  esac
  if { : >"$dir/$1"; } 2>/dev/null; then exec 4>"$dir/$1"; else wrong="cannot write: is the disk full?"; fi
}
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
    if [ -d "$jobs/$job" ]; then
      mkdir "$dir" 2>/dev/null
    else
      mkdir "$jobs/$job" "$dir" 2>/dev/null || [ -d "$dir" ]
    fi
    if [ $? -eq 0 ] && token "$dir.owner" "$self"; then
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
    echo "spec$format $job $epoch $day $deadline $keep $at $now $boot $program" >>"$dir.owner" &&
      echo "$day" >"$pack/held/$job.$epoch" &&
      echo "$job $epoch $((at / 100)) $boot" >>"$pack/journal"
  } 2>/dev/null || {
    retreat
    answer "$job" "$epoch" "refused cannot write the journal: is the disk full?"
    return
  }
  durable "$pack/journal"
  setsid sh "./bin/$program" supervise "$dir" "$command" </dev/null >/dev/null 2>&1 9<&- &
  begun="$begun $dir"
  answer "$job" "$epoch" started
}
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
  [ ! -e "$dir.out.tail" ] || set -- "$@" "$dir.out.tail"
  set -- "$@" "$dir.err"
  [ ! -e "$dir.err.tail" ] || set -- "$@" "$dir.err.tail"
  size=$((size + ${#parts} + 7))
  printf '\ntowline1 %s %s %s %s %s %s\nparts %s\n' "$nonce" "$verb" "$job" "$epoch" "$size" "$hash" "$parts"
  cat "$@"
  printf '\ntowline1-end %s\n' "$nonce"
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
  set -- ${room##*
}
  disk=${2:-0} room=${4:-0}
  echo "$boot $asked $date $disk $room" >seen
}
replay() {
  seen_boot=
  { read -r seen_boot <"$pack/boot"; } 2>/dev/null
  [ "$seen_boot" != "$boot" ] || return 0
  if [ -s "$pack/journal" ]; then
    while read -r job epoch _; do
      known "$job" "$epoch" && [ ! -d "$jobs/$job/$epoch" ] || continue
      mkdir -p "$jobs/$job/$epoch"
      echo run >"$jobs/$job/$epoch.go"
      [ -e "$jobs/$job/$epoch.acked" ] || echo - >"$pack/held/$job.$epoch"
    done <"$pack/journal"
  fi
  echo "$boot" >"$pack/boot"
}
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
  if [ -n "$pack" ]; then
    [ -d "$pack/held" ] || mkdir -p "$jobs" "$pack/held" slots
    replay
  fi
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
cpus() {
  cores=0
  { read -r list </sys/devices/system/cpu/online; } 2>/dev/null || list=0
  IFS=,
  for range in $list; do cores=$((cores + ${range#*-} - ${range%-*} + 1)); done
  unset IFS
}
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
