# One run: the agent in a process group of its own, ended at its limit, whatever it left behind.

# NAME: ends the reader of that stream, so that what came so far can be put down
cut_off() {
  for found in /proc/[0-9]*; do
    [ "$found/fd/0" -ef "$dir.$1.pipe" ] && kill "${found#/proc/}"
  done 2>/dev/null
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

# A run that was ended before it opened its streams leaves the captures waiting for a writer: here is one that says nothing.
let_go() { { :; } 3<>"$dir.out.pipe" 4<>"$dir.err.pipe"; } 2>/dev/null

# Waits until both captures have ended; a child that left the group and holds a stream does not hold us up.
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

# SIGNAL: to the agent's group, or to the agent while it has no group yet
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
  # shellcheck disable=SC2016
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
  # step: supervisor
  token "$dir.go" run || exit 0 # it was decided that this run never starts
  clock
  since=$now mark=$PWD/$1/$since
  if [ ! -e "$dir.cancel" ]; then
    mkfifo "$dir.out.pipe" "$dir.err.pipe"
    capture out 3<"$dir.out.pipe" &
    capture err 3<"$dir.err.pipe" &
    launch
    # step: agent
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
  # step: end
  conclude "$exit" "$end" "$took"
}

if [ "$1" = supervise ]; then
  supervise "$2" "$3"
  exit
fi
