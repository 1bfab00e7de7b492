# Starting a run: the fence, the slot, the files, the journal, and only then the supervisor.

# Sees what stands against a start of $job $epoch → $why, the answer
barred() {
  why=
  if [ -e "$jobs/$job/seal" ] || [ -L "$jobs/$job/seal" ]; then
    [ -f "$jobs/$job/seal" ] || {
      why="refused the seal of this job is no file any more"
      return 0
    }
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
    tidy "$other"
    [ ! -e "$other.acked" ] || continue
    # An older claim that has not started yet never will.
    token "$other.go" never
    { read -r went <"$other.go"; } 2>/dev/null
    [ "$went" = never ] || why="already $at"
  done
  [ -n "$why" ]
}

# An empty line every 8 kB, which says nothing: on a slow line the other side would take this one for dead.
still_here() {
  trap '' PIPE
  echo 2>/dev/null
  trap - PIPE
}

# Reads the files of a launch into DIR → $wrong. Fails when the request ends in the middle.
receive() {
  wrong= command= heard=0
  while IFS= read -r line <&9; do
    case $line in
      +*)
        printf '%b' "${line#+}" >&4 || wrong="cannot write: is the disk full?"
        heard=$((heard + 1))
        [ $((heard % 2)) -ne 0 ] || still_here
        ;;
      "file "*) open_file "${line#file }" ;;
      "code "* | "who "* | "mail "*) printf '%s\n' "${line#* }" >>"$dir.work" ;; # in this order
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

# NAME: what follows in the request goes there, by fd 4
open_file() {
  exec 4>/dev/null
  case /$1/ in
    */../* | */./* | *//* | */-* | *[!A-Za-z0-9._/-]*)
      wrong="refused file name"
      return
      ;;
    /*/*/) mkdir -p "$dir/${1%/*}" || wrong="cannot make a folder" ;;
  esac
  if { printf '' >"$dir/$1"; } 2>/dev/null; then exec 4>"$dir/$1"; else wrong="cannot write: is the disk full?"; fi
}

# Nothing was started and nothing will be: the fence goes, so that the same claim may come again.
retreat() {
  token "$dir.go" never
  echo "- 0 0 -" >"$slot_file"
  rm -rf "$dir" "$dir".* "$pack/held/$job.$epoch"
}

start() {
  job=$1 epoch=$2 day=$3 deadline=$4 keep=$5 slots=$6 runtime=$7
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
  elif forbidden "${runtime:--}"; then
    drain
    answer "$job" "$epoch" "forbidden $why"
  elif ! kit; then
    drain
    answer "$job" "$epoch" "refused cannot write the command for agents: is the disk full?"
  elif ! claim "$slots" "${most:-$slots}"; then
    drain
    answer "$job" "$epoch" "${jam:-full}"
  else
    # The fence: of all who try, one makes the folder. Where two make the job's first one at once, and each may have
    # made a half of it, the owner's file decides.
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
      # An owner's file without a line: it could not be written, and nobody starts this. The folder stays: it is the fence.
      [ ! -d "$dir" ] || [ -s "$dir.owner" ] || doze 20
      if [ -d "$dir" ] && { [ ! -e "$dir.owner" ] || [ -s "$dir.owner" ]; }; then
        answer "$job" "$epoch" "already $epoch"
      else
        answer "$job" "$epoch" "refused cannot make the job's folder: is the disk full?"
      fi
    fi
  fi
}

# The rest of a start, with the fence won. (`step:` marks moments at which the tests end this process.)
fenced() {
  # step: fence
  if ! receive; then
    retreat
    exit 0
  fi
  no=refused
  [ ! -e "$dir.work" ] || [ -n "$wrong" ] || fit || wrong=$why
  why="$no $wrong"
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
  # step: journal
  durable "$pack/journal"
  # step: fsync
  { ulimit -S -t "$cpu" && exec setsid sh "./bin/$program" supervise "$dir" "$command"; } </dev/null >/dev/null 2>&1 9<&- &
  begun="$begun $dir"
  # step: start
  answer "$job" "$epoch" started
  # step: answer
}
