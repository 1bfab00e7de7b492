# What a conversation needs to know: requests and answers, how runs stand, which slots are free.

# Children read /dev/null; requests come by fd 9, which no run inherits.
exec 9<&0 </dev/null
[ -s umask ] || umask >umask
umask 077
read -r boot </proc/sys/kernel/random/boot_id
self= gated=$2 # by a key that is locked behind the gate
# Whatever hangs over a file without end, hangs for a minute. Runs get the limit that this login came with.
cpu=$(ulimit -S -t)
ulimit -S -t 60
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

known() { name "$1" && number "$2"; }

# DIR → $state: running, ended, died, acked, none. A run whose supervisor is gone gets its result here.
settle() {
  dir=$1 state=none
  tidy "$dir"
  [ -d "$dir" ] || return 1
  state=acked
  [ ! -e "$dir.acked" ] || return 0
  if [ ! -e "$dir.sum" ]; then
    state=running
    owner "$dir" || doze 20
    owner "$dir"
    if [ "$was" = "$boot" ] && alive "$pid" "$born"; then
      overdue || return 0
      kill -s KILL "$pid"
      doze 10
    fi
    if ! token "$dir.go" never; then
      owner "$dir"
      [ "$was" = "$boot" ] && alive "$pid" "$born" && return 0
    fi
    went=
    { read -r went <"$dir.go"; } 2>/dev/null
    [ "$went" = never ] && unbegun && return 0
    [ -e "$dir.sum" ] || bury || return 1
  fi
  foreign= hash= size= end= parts=
  { read -r foreign hash size end parts <"$dir.sum"; } 2>/dev/null
  number "$foreign" || foreign= parts=
  case $foreign in
    '' | "$format" | "$parted") ;;
    *)
      state=format-$foreign
      return 1
      ;;
  esac
  number "$size" && [ ${#hash} -eq 64 ] || parts=
  case $hash in *[!0-9a-f]*) parts= ;; esac
  if [ -z "$parts" ]; then
    state=unsaved size=
    { [ -e "$dir.result" ] && stamp; } || respoil || return 1
  fi
  state=ended
  [ "$end" != died ] || state=died
}

# A supervisor ends its run at the limit and itself soon after. One that is still there long after hangs.
overdue() {
  limit= entered=
  {
    while read -r key _ _ _ limit _ _ entered _; do
      [ "$key" != "spec$format" ] || break
      limit=
    done <"$dir.owner"
  } 2>/dev/null
  number "$limit" && number "$entered" || return 1
  spare=60000
  [ ! -e "$dir.work" ] || spare=180000 # a worktree is made, work is committed, verified and packed besides
  clock
  [ $((now - entered)) -gt $((limit / 10 + spare)) ]
}

# What is there is not what was measured when the run ended: somebody has been at its files. What is left counts.
respoil() {
  rm -f "$dir.sum" "$dir.result" "$dir.streams" "$dir.out.tail" "$dir.err.tail"
  bury
}

# Nobody is left who could start this run, and nobody did: it counts as never asked for, so that a later claim may start
# it. Not so after a restart, which may have lost the mark that it went, and not once a supervisor had it in charge.
unbegun() {
  { read -r first <"$dir.owner"; } 2>/dev/null
  [ "$was" = "$boot" ] && [ "$first" = "$pid $born $was" ] || return 1
  echo - >"$dir.acked"
  first=${dir#"$pack/jobs/"}
  rm -rf "$dir"/* "$pack/held/${first%/*}.${first#*/}"
  state=acked
}

# What is left of a run whose supervisor was killed, or whose machine was restarted.
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
  hunt "TOWLINE_RUN=$PWD/$dir/" && doze 20
  clear_session "$dir"
  tally || {
    hunt "TOWLINE_TAKES=$PWD/$dir/"
    doze 10
  }
  conclude - died "$took"
  program=$own
}

# JOB EPOCH: $line for the list of what is held
held_line() {
  settle "$pack/jobs/$1/$2" || case $state in format-*) ;; *) return 1 ;; esac
  [ "$state" != acked ] || return 1
  { read -r day <"$pack/held/$1.$2"; } 2>/dev/null || day=-
  line="held $1 $2 $day $state ${hash:--}"
  # Only whether it is there: whatever an agent puts in its place is not read.
  [ "$state" = running ] || return 0
  [ ! -e "$dir/.silent" ] || line="$line silent"
  [ ! -e "$dir/.hears" ] || line="$line hears"
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
  [ -f "$1" ] || return 1
  { read -r where pid born was <"$1"; } 2>/dev/null || { doze 10 && read -r where pid born was <"$1"; } 2>/dev/null || return 1
  [ ! -e "$where.sum" ] && [ ! -e "$where.acked" ] || return 1
  [ ! -e "$where.owner" ] || owner "$where"
  [ "$was" = "$boot" ] && alive "$pid" "$born"
}

# TOTAL OWNERS: takes a slot for $dir, where neither the record nor the owner has given them all away → $slot_file
claim() {
  tries=0 jam=
  while [ $tries -lt 9 ]; do
    tries=$((tries + 1))
    survey "$1"
    [ -n "$open" ] && [ "$used" -lt "$1" ] && [ "$used" -lt "$2" ] || return 1
    slot_file=slots/$open.$generation
    if ! token "$slot_file" "$dir $self"; then
      [ -s "$slot_file" ] || jam="refused cannot take a slot: is the disk full?"
      continue
    fi
    jam=
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
