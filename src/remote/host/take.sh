# What else is done with the files of a host: the way back, taking them away, and running the few programs that were put here.

# PATH DROP: this file and its older self change places; there is one of them at any time. DROP: 1 when the newer one
# is no good and goes.
file_back() {
  drain
  below "$1" || {
    refuse "path $1"
    return
  }
  kept_of "$file"
  swap=$kept.$$
  if [ ! -e "$kept" ] && [ ! -L "$kept" ]; then
    refuse "no older one is kept"
  elif [ "$2" = 1 ] || { [ ! -e "$file" ] && [ ! -L "$file" ]; }; then
    mv -f "$kept" "$file" && answer - - back || refuse "it cannot be put in its place"
  elif ln -f "$file" "$swap" 2>/dev/null || cp -p "$file" "$swap" 2>/dev/null; then
    mv -f "$kept" "$file" && mv -f "$swap" "$kept" && durable "${file%/*}" && answer - - back ||
      refuse "it cannot be put in its place"
  else
    rm -f "$swap"
    refuse "it cannot be kept: is the disk full?"
  fi
}

# Removes the files of the body, their older selves with them, and folders where the path ends in a slash → what is left.
file_remove() {
  gather
  told=
  for path in $body; do
    below "${path%/}" || {
      refuse "path $path"
      return
    }
    case $path in
      */) [ ! -d "$file" ] || rm -rf "$file" ;;
      *)
        kept_of "$file"
        rm -f "$file" "$kept" 2>/dev/null
        ;;
    esac
    [ ! -e "$file" ] && [ ! -L "$file" ] || told="$told$path
"
  done
  answer - - "$told"
}

# WHAT NAME SECONDS [ARGUMENT [scripts]]: runs one of a few programs, with nothing to read, and says how it ended.
file_call() {
  drain
  what=$1 limit=$3
  name "$2" && number "$limit" && [ "$limit" -gt 0 ] || what=
  case $what in
    version | onboard) set -- "$HOME/.local/bin/$2" "$what" ;;
    npm | unnpm)
      # An npm package is named by scope, name and version; none of it can be an option or another place.
      case $4 in '' | -* | .* | /* | *..* | *[!A-Za-z0-9@._/-]*) what= ;; esac
      if [ "$what" = npm ]; then
        # shellcheck disable=SC2086
        set -- npm install -g --prefix "$HOME/.local" --no-audit --no-fund --loglevel=error \
          "--ignore-scripts=$([ "$5" = scripts ] && echo false || echo true)" "$4"
      else
        set -- npm uninstall -g --prefix "$HOME/.local" --no-audit --no-fund --loglevel=error "$4"
      fi
      ;;
    *) what= ;;
  esac
  if [ -z "$what" ]; then
    refuse "bad request"
    return
  fi
  if [ "$1" = npm ] && ! command -v npm >/dev/null 2>&1; then
    refuse "there is no npm on the PATH of its plain shell"
    return
  fi
  log=.call.$$
  { ulimit -S -t "$cpu" && NO_COLOR=1 TERM=dumb exec setsid "$@"; } >"$log" 2>&1 </dev/null 9<&- &
  runner=$! ticks=0
  clock
  ends=$((now + limit * 100))
  while birth "$runner"; do
    clock
    [ "$now" -lt "$ends" ] || {
      kill -s KILL -- "-$runner" 2>/dev/null
      break
    }
    ticks=$((ticks + 1))
    if [ $ticks -lt 20 ]; then
      doze 5
    else
      doze 100
      echo # the other side hears that there is still somebody
    fi
  done
  wait "$runner"
  code=$?
  [ "$now" -lt "$ends" ] || code=124
  said=$(head -c 3000 "$log" 2>/dev/null | tr -d '\000')
  rm -f "$log"
  answer - - "exit $code
$said"
}

# FORCE: takes the whole root away, but what is none of ours; this program goes with it → what is left there.
file_uproot() {
  drain
  survey 0
  if [ "$used" -gt 0 ] && [ "$1" != 1 ]; then
    refuse "$used runs are open here"
    return
  fi
  for entry in * .[!.]*; do
    case $entry in
      bin | identity | tools | umask | seen | samples | slots | .deployed | .probe | .tools.* | .call.*) rm -rf "./$entry" ;;
      *) [ ! -d "$entry/held" ] || [ ! -d "$entry/jobs" ] || rm -rf "./$entry" ;;
    esac
  done
  root=$PWD told=
  cd / && { rmdir "$root" 2>/dev/null || for entry in "$root"/* "$root"/.[!.]*; do
    [ ! -e "$entry" ] || told="$told$entry
"
  done; }
  answer - - "$told"
  exit 0
}
