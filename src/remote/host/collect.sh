# What became of runs: which have ended, waiting for that, and handing out what they left.

# → $done, those runs of the body that have ended. Where $1 is not 1 without a look at the supervisors.
ended_of() {
  done=
  for run in $body; do
    known "${run%/*}" "${run#*/}" || continue
    [ -e "$jobs/$run.sum" ] || { [ "$1" = 1 ] && settle "$jobs/$run" && [ "$state" != running ]; } || continue
    done="$done $run"
  done
}

# Were all runs of the body started in this conversation? Their supervisors ring when they end.
ours() {
  for run in $body; do
    case "$begun " in *" $jobs/$run "*) ;; *) return 1 ;; esac
  done
}

# Waits until a run of the body ends, or the other side sends an empty line: it waits no longer.
hold() {
  rang=
  trap 'rang=1' URG # nobody minds this signal while it has no trap
  ended_of 0
  if [ -z "$done" ]; then
    { read -r line <&9; } &
    ear=$!
    while [ -z "$done" ] && [ -n "$ear" ]; do
      [ -n "$rang" ] || {
        wait "$ear"
        [ $? -gt 128 ] || ear=
      }
      rang=
      ended_of 0
    done
    [ -z "$ear" ] || {
      kill "$ear"
      wait "$ear"
    } 2>/dev/null
  fi
  trap - URG
}

# Sends FILE…, of $left bytes, after $text. By builtins where that is little text without NULs: a process costs more.
# Fails when it is another number of bytes.
send() {
  opening=$text text=
  if [ "$left" -le 1000 ]; then
    for file; do
      [ -s "$file" ] || continue
      while IFS= read -r line; do
        text="$text$line
"
      done <"$file"
      text=$text$line
    done
    [ ${#text} -ne "$left" ] || {
      printf '%s%s\ntowline1-end %s\n' "$opening" "$text" "$nonce"
      return 0
    }
  fi
  count=$(ulimit -t 2; wc -c "$@" 2>/dev/null)
  # shellcheck disable=SC2086
  set -- ${count##*
} "$@"
  [ "$1" = "$left" ] || return 1
  shift 2
  printf '%s' "$opening"
  cat "$@"
  printf '\ntowline1-end %s\n' "$nonce"
}

fetch() {
  for try in 1 2; do
    hand_out "$1" "$2" && return
    [ "$try" = 2 ] || respoil || break
  done
  answer "$1" "$2" unsaved
}

# JOB EPOCH: fails when its files are not what was measured
hand_out() {
  job=$1 epoch=$2 hash=
  settle "$jobs/$job/$epoch"
  case $state in
    ended | died) ;;
    *)
      answer "$job" "$epoch" "$state"
      return
      ;;
  esac
  set -- "$dir.result"
  while read -r key part _; do
    case "$key: $parts_known " in
      "part:"*" $part "*) set -- "$@" "$dir.$part" ;;
      out:*) break ;;
    esac
  done <"$dir.result"
  set -- "$@" "$dir.out"
  [ ! -e "$dir.out.tail" ] || set -- "$@" "$dir.out.tail"
  set -- "$@" "$dir.err"
  [ ! -e "$dir.err.tail" ] || set -- "$@" "$dir.err.tail"
  left=$size
  size=$((size + ${#parts} + 7))
  text="
towline1 $nonce $verb $job $epoch $size $hash
parts $parts
"
  send "$@"
}
