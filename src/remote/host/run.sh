# One run: the agent in a process group of its own, ended at its limit, whatever it left behind.

# VARIABLE=VALUE: ends all whose environment says that; fails when there is none. `read` leaves out the NULs.
hunt() {
  prey=
  for found in /proc/[0-9]*; do
    {
      while IFS= read -r line || [ -n "$line" ]; do
        case $line in *"$1"*)
          kill -s KILL "${found#/proc/}" && prey=1
          break
          ;;
        esac
      done <"$found/environ"
    } 2>/dev/null
  done
  [ -n "$prey" ]
}

# DIR [END]: what its job keeps of its session goes, with all that runs in it, unless this very epoch ended by itself and
# left it for the next one. tmux takes its processes out of the run's process group.
clear_session() {
  nest=${1%/*}
  nest=${1%/jobs/*}/sessions/${nest##*/}
  [ -e "$nest" ] || [ -L "$nest" ] || return 0
  # What its agent wrote to an outbox there counts like that in the run's own folder.
  if [ -d "$1" ] && [ ! -L "$nest" ] && [ ! -L "$nest/work" ] && [ -d "$nest/work/outbox" ] && [ ! -L "$nest/work/outbox" ]; then
    wipe "$1/work"
    mkdir "$1/work" && mv "$nest/work/outbox" "$1/work/outbox"
  fi
  if [ "$2" = exited ] && [ ! -L "$nest" ] && [ -f "$nest/kept" ]; then
    kept=
    { read -r kept _ <"$nest/kept"; } 2>/dev/null
    [ "$kept" != "${1##*/}" ] || return 0
  fi
  [ ! -e "$nest/pane" ] || hunt "TOWLINE_SESSION=$PWD/$nest/"
  wipe "$nest"
}

# Waits until both captures have ended; a child that left the group and holds a stream does not hold us up.
collect() {
  tries=0
  until tally; do
    tries=$((tries + 1))
    case $tries in
      [1-4]) ( : ) ;; # they end within a millisecond: lets others run, for less than a sleep, which is a process
      ?) sleep 0.01 ;;
      40) hunt "TOWLINE_RUN=$mark" ;;
      70) hunt "TOWLINE_TAKES=$mark" ;; # the readers, so that what came so far is put down
      100) return ;;
      *) sleep 0.03 ;;
    esac
  done
}

# Two pipes, read at fd 5 and 7, written at 6 and 8. A short here-document is a pipe, and /proc opens its other end: no
# process, no file. In shells where it is none, files must do.
pipes() {
  exec 5<<END 7<<END
-
END
-
END
  if [ -p /proc/self/fd/5 ] && [ -p /proc/self/fd/7 ]; then
    exec 6>/proc/self/fd/5 8>/proc/self/fd/7
    read -r _ <&5
    read -r _ <&7
  else
    mkfifo "$dir.out.pipe" "$dir.err.pipe"
    exec 3<>"$dir.out.pipe" 4<>"$dir.err.pipe"
    exec 5<"$dir.out.pipe" 6>"$dir.out.pipe" 7<"$dir.err.pipe" 8>"$dir.err.pipe" 3>&- 4>&-
    rm -f "$dir.out.pipe" "$dir.err.pipe"
  fi
}

# SIGNAL: to the agent's group, or to the agent while it has no group yet
strike() { kill -s "$1" -- "-$agent" 2>/dev/null || kill -s "$1" "$agent" 2>/dev/null; }

stop_agent() {
  stopping=1 stopped=1
  [ -n "$agent" ] || return 0
  strike TERM
  [ -z "$grace" ] || return 0
  { sleep 5; kill -s KILL -- "-$agent"; } 6>&- 8>&- &
  grace=$!
}

# DIR COMMAND: starts it there, in a group of its own, for at most $limit ms → $agent
run_in() {
  seconds=$((limit / 1000)).$(((limit / 100) % 10))
  read -r mask <umask
  {
    export TOWLINE_RUN="$mark" TOWLINE_JOB="$PWD/$dir" PATH="$PWD/bin/$program.d:$PATH"
    unset TOWLINE_TREE TOWLINE_EXCLUDE
    [ -z "$tree" ] || surroundings
    cd "$1" || exit 126
    umask "$mask"
    unset LC_ALL
    [ ! -e "$TOWLINE_JOB.cancel" ] || exit 143 # a signal in the moment of the fork is lost
    case $timeout in
      group) exec timeout -k 5 "$seconds" sh -c "$2" ;;
      *) exec setsid sh -c "$2" ;;
    esac
  } </dev/null >&6 2>&8 5<&- 6>&- 7<&- 8>&- &
  agent=$!
  [ "$timeout" = group ] && return
  # shellcheck disable=SC2016
  TOWLINE_RUN=$mark setsid sh -c \
    'sleep "$1"; : >"$2.overtime"; kill -s TERM -- "-$3"; sleep 5; kill -s KILL -- "-$3"' \
    watch "$seconds" "$dir" "$agent" </dev/null >/dev/null 2>&1 5<&- 6>&- 7<&- 8>&- &
  watch=$!
}

# Waits until it has ended → $exit
attend() {
  exit=
  [ -z "$stopped" ] || stop_agent
  while :; do
    stopping=
    wait "$agent"
    code=$?
    case $code in *[!0-9]*) code=143 ;; esac # what bash may say of an interrupted wait
    [ "$code" = 127 ] && [ -n "$exit" ] || exit=$code
    [ -n "$stopping" ] || break
  done
}

# What is left of the group goes.
end_group() {
  [ -z "$grace" ] || kill "$grace"
  kill -s KILL -- "-$agent" 2>/dev/null
  [ -z "$watch" ] || kill -s KILL -- "-$watch" 2>/dev/null || kill -s KILL "$watch" 2>/dev/null
  grace= watch= agent=
}

# The agent itself, with its streams captured
run_agent() {
  limit=$deadline
  if [ -n "$tree" ]; then # setup had its part of the time
    clock
    limit=$((deadline - (now - since) * 10)) state=done
    [ "$limit" -gt 1000 ] || limit=1000
  fi
  pipes
  captured=1
  # By exec, since a shell keeps a copy of what a redirected function may want back.
  { exec 3<&5 5<&- 6>&- 7<&- 8>&- && capture out; } &
  { exec 3<&7 5<&- 6>&- 7<&- 8>&- && capture err; } &
  run_in "$dir" "$command"
  exec 5<&- 6>&- 7<&- 8>&-
  # step: agent
  attend
  trap '' TERM
  ulimit -S -t 5 # of this process and each that it starts from now on: the run may have left files without end
  end_group
  tidy "$dir"
  collect
  tidy "$dir"
}

supervise() {
  dir=$1 command=$2 agent= watch= grace= stopping= stopped= exit= tree= captured=
  umask 077
  tools
  spec || exit 1
  birth $$ && echo "$$ $birth $was" >>"$dir.owner"
  trap stop_agent TERM
  # step: supervisor
  token "$dir.go" run || exit 0 # it was decided that this run never starts
  clock
  since=$now mark=$PWD/$1/$since
  if [ -e "$dir.cancel" ]; then
    exit=143 stopped=1
  elif coding && ! ready; then
    exit=1
    [ -z "$stopped" ] || exit=143
  else
    run_agent
  fi
  clock
  took=$((now - since)) end=exited
  case $exit in 124 | 137 | 143) [ $((took * 10)) -lt "$deadline" ] || end=timeout ;; esac
  [ ! -e "$dir.overtime" ] || end=timeout
  [ -z "$stopped" ] || end=died # ended by the machine's own shutdown, unless somebody cancelled it
  if [ -e "$dir.cancel" ] && { [ -n "$stopped" ] || [ "$exit" -eq 143 ]; }; then end=cancelled; fi
  [ "$end" = exited ] || hunt "TOWLINE_RUN=$mark"
  clear_session "$dir" "$end"
  if [ -n "$captured" ]; then # where the disk was full, nobody can tell what else is missing
    tally || end=died
    case "$out_seen $err_seen" in *short*) end=died ;; esac
  fi
  if [ -n "$tree" ]; then
    trap stop_agent TERM
    result=$exit
    deliver
    exit=$result
    trap '' TERM
    clock
    took=$((now - since))
  fi
  # step: end
  conclude "$exit" "$end" "$took"
}

# Tells the conversation that started this run, where it is still there, that it has ended: it may be waiting.
ring() {
  read -r line </proc/$$/stat
  # shellcheck disable=SC2086
  set -- ${line##*) }
  [ "$2" = "$PPID" ] && [ "$2" -gt 1 ] && kill -s URG "$2"
} 2>/dev/null

if [ "$1" = supervise ]; then
  supervise "$2" "$3"
  ring
  exit
fi
