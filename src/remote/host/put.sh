# Files of the user on this host: how runtimes are put here and taken away again. Paths are relative to HOME; `@NAME`
# is what towline notes of what it put here, in ROOT/.deployed.

# PATH → $file; fails for what leaves the home folder
below() {
  case $1 in
    @*)
      name "${1#@}" || return 1
      file=.deployed/${1#@}
      ;;
    '' | /* | -* | *//* | *[!A-Za-z0-9@._/-]*) return 1 ;;
    *)
      case /$1/ in */../* | */./* | */-*) return 1 ;; esac
      [ -n "$HOME" ] || return 1
      file=$HOME/$1
      ;;
  esac
}

# May this conversation change the host's own files? Not with a key that is locked behind a gate, nor for a pack that the
# owner does not list → $why
may_change() {
  why=
  if [ -n "$gated$SSH_ORIGINAL_COMMAND" ]; then
    why="this key may only hold conversations here: what is deployed needs a key of your own"
  else
    admitted
  fi
  [ -z "$why" ]
}

refuse() { answer - - "refused $1"; }

# FILE → $digest, or - when it cannot be read
digest_of() {
  digest=-
  [ -f "$1" ] || return 1
  digest=$(sha256sum <"$1" 2>/dev/null)
  digest=${digest%% *}
  [ -n "$digest" ] || digest=-
}

# FILE: where its older self is kept
kept_of() { kept=${1%/*}/.${1##*/}.towline-old; }

# Of each path of the body: none, dir, file or other, with its hash, and the hash of its older self.
file_state() {
  gather
  told=
  for path in $body; do
    below "$path" || {
      refuse "path $path"
      return
    }
    kind=none digest=- old=-
    if [ -d "$file" ]; then
      kind=dir
    elif [ -f "$file" ]; then
      kind=file
      digest_of "$file"
    elif [ -e "$file" ] || [ -L "$file" ]; then
      kind=other
    fi
    is=$digest
    kept_of "$file"
    digest_of "$kept" && old=$digest
    told="$told$path $kind $is $old
"
  done
  answer - - "$told"
}

# PATH MOST: hands out a file of at most that many bytes
file_show() {
  drain
  if ! below "$1" || ! number "$2"; then
    refuse "path $1"
  elif [ ! -f "$file" ]; then
    answer - - none
  else
    digest_of "$file"
    set -- "$2" "$(wc -c <"$file" 2>/dev/null)" "$digest"
    left=${2##* }
    if ! number "$left" || [ "$left" -gt "$1" ]; then
      refuse "it has $left bytes"
    else
      printf '\ntowline1 %s %s - - %s %s\n' "$nonce" "$verb" "$left" "$3"
      cat "$file"
      printf '\ntowline1-end %s\n' "$nonce"
    fi
  fi
}

# What was sent of a file that will never be whole goes.
discard() {
  [ -z "$temp" ] || rm -f "$temp"
  temp=
  trap - EXIT HUP TERM PIPE
}

# PATH MODE BYTES SHA256 WAS KEEP: a file is to come, in pieces. WAS: hash of what it replaces, `none`, or `-` for
# whatever is there. KEEP: 1 to keep that for a way back.
file_put() {
  drain
  discard
  case $2 in 600 | 755) ;; *) set -- ;; esac
  if [ $# -ne 6 ] || ! below "$1" || ! number "$3"; then
    refuse "bad request"
    return
  fi
  # Where people keep their settings somewhere else, they stay there; a program takes the place of the link.
  if [ "$2" = 600 ] && [ -L "$file" ]; then file=$(readlink -f "$file" 2>/dev/null) && [ -n "$file" ] || file=/dev/null/nowhere; fi
  target=$file mode=$2 bytes=$3 sum=$4 before=$5 keep=$6
  [ -d "${target%/*}" ] || mkdir -p "${target%/*}" 2>/dev/null
  if [ "$(printf xy | head -c 1 2>/dev/null)" != x ]; then
    refuse "its head knows no -c"
  elif [ -d "$target" ]; then
    refuse "there is a folder of that name"
  elif ! unchanged; then
    refuse "it is not what it was: somebody else changed it"
  else
    # What a conversation left that was killed.
    for other in "${target%/*}"/".${target##*/}.towline-new."*; do
      [ -e "$other" ] && ! birth "${other##*.}" && rm -f "$other"
    done
    temp=${target%/*}/.${target##*/}.towline-new.$$
    trap 'rm -f "$temp"' EXIT
    trap 'exit 1' HUP TERM PIPE
    if { printf '' >"$temp"; } 2>/dev/null; then
      answer - - ready
    else
      discard
      refuse "cannot write there: is the disk full, or the folder somebody else's?"
    fi
  fi
}

# Is there what the other side thinks is there?
unchanged() {
  [ "$before" != - ] || return 0
  [ -e "$target" ] || [ -L "$target" ] || {
    [ "$before" = none ]
    return
  }
  digest_of "$target" && [ "$digest" = "$before" ]
}

# COUNT: so many bytes follow the request. The other side sends no more before it has the answer, since some kinds of
# head read ahead. All are taken in, whatever becomes of them: what is said next must not be a part of them.
file_more() {
  drain
  number "$1" || exit 2
  full=$(head -c "$1" <&9 | { cat >>"${temp:-/dev/null}" 2>/dev/null || {
    echo full
    cat >/dev/null
  }; })
  if [ -z "$temp" ]; then
    refuse "nothing is to come"
  elif [ -n "$full" ]; then
    discard
    refuse "cannot write there: the disk is full"
  else
    answer - - taken
  fi
}

# The file is whole: it takes its place in one step, and what ran goes on with the one that it has.
file_place() {
  drain
  if [ -z "$temp" ]; then
    refuse "nothing is to come"
    return
  fi
  digest_of "$temp"
  came=$(wc -c <"$temp")
  wrong=
  if [ "${came##* }" != "$bytes" ]; then
    wrong="${came##* } of $bytes bytes came: is the disk full?"
  elif [ "$digest" != "$sum" ]; then
    wrong="it was altered on the way"
  elif ! unchanged; then
    wrong="it is not what it was: somebody else changed it"
  elif ! chmod "$mode" "$temp"; then
    wrong="its mode cannot be set"
  elif [ "$keep" = 1 ] && { [ -e "$target" ] || [ -L "$target" ]; }; then
    kept_of "$target"
    ln -f "$target" "$kept" 2>/dev/null || cp -p "$target" "$kept" 2>/dev/null || {
      rm -f "$kept"
      wrong="the one that is there cannot be kept: is the disk full?"
    }
  fi
  [ -n "$wrong" ] || { durable "$temp" && mv -f "$temp" "$target" 2>/dev/null; } || wrong="it cannot be put in its place"
  discard
  if [ -n "$wrong" ]; then
    refuse "$wrong"
  else
    durable "${target%/*}"
    answer - - placed
  fi
}
