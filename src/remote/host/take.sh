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

# FORCE LOOK: takes away what is ours of the root; this program goes with it → what is left there. While other packs
# stand there, only what this one kept goes, with the line `packs NAME…` in the answer. LOOK: 1 only to hear that line.
file_uproot() {
  drain
  survey 0
  others= owed=
  for entry in */held; do
    entry=${entry%/held}
    [ "$entry" != "$pack" ] && [ -d "$entry/held" ] && [ -d "$entry/jobs" ] || continue
    others="$others $entry"
    for mark in "$entry"/held/*.*; do
      [ ! -e "$mark" ] && [ ! -L "$mark" ] || owed=$entry
    done
  done
  if [ "$1" != 1 ] && [ "$used" -gt 0 ]; then
    refuse "$used runs are open here"
    return
  elif [ "$1" != 1 ] && [ -n "$owed" ]; then
    refuse "the pack $owed has results here that it has not collected"
    return
  fi
  told=${others:+packs$others
}
  if [ "$2" = 1 ]; then
    answer - - "$told"
    return
  fi
  [ ! -d "$pack/sessions" ] || hunt "TOWLINE_SESSION=$PWD/$pack/sessions/"
  [ -z "$pack" ] || wipe "./$pack"
  if [ -z "$others" ]; then
    pull
    root=$PWD
    cd / && { rmdir "$root" 2>/dev/null || for entry in "$root"/* "$root"/.[!.]*; do
      [ ! -e "$entry" ] || told="$told$entry
"
    done; }
  fi
  answer - - "$told"
  exit 0
}

# What is ours goes by its name, file by file: the root may be a folder in which people keep programs of their own.
pull() {
  for entry in bin/* bin/.[!.]* slots/*; do
    one=${entry##*/}
    case $entry in
      bin/gate) ;;
      bin/*.d)
        hex64 "${one%.d}" || continue
        rm -rf "./$entry"
        continue
        ;;
      bin/.gate.*) number "${one#.gate.}" || continue ;;
      bin/.*.*) one=${one#.} && hex64 "${one%%.*}" || continue ;;
      bin/*) hex64 "$one" || continue ;;
      *.*) number "${one%%.*}" && number "${one#*.}" || continue ;;
      *) continue ;;
    esac
    rm -f "./$entry" 2>/dev/null
  done
  rm -f identity tools umask seen samples/last samples/now samples/old .probe .tools.* .call.* 2>/dev/null
  rm -rf .deployed
  for entry in bin slots samples; do rmdir "$entry" 2>/dev/null; done
}

hex64() { case $1 in *[!0-9a-f]*) return 1 ;; esac && [ ${#1} -eq 64 ]; }
