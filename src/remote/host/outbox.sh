# What a run's agent wrote for people and other agents, as one part of its result.

# Where an agent may write: its folder, and those in which the runtimes let models work.
boxes='outbox work/outbox workspace/outbox'

# → DIR.outbox, unless it is there or there is nothing. Whatever stands in the outbox, this ends soon: in a process of its
# own, with a limit. Two that conclude the same run at once make one file.
pack_outbox() {
  [ ! -e "$dir.outbox" ] || return 0
  found=
  for box in $boxes; do
    case $box in */*) [ ! -L "$dir/${box%/*}" ] || continue ;; esac
    [ -d "$dir/$box" ] && [ ! -L "$dir/$box" ] && found="$found $box"
  done
  [ -n "$found" ] || return 0
  ( ulimit -S -t 3; list_outbox ) >"$dir.outbox.$$" 2>/dev/null || echo "outbox spoiled" >"$dir.outbox.$$"
  ln "$dir.outbox.$$" "$dir.outbox"
  rm -f "$dir.outbox.$$"
} 2>/dev/null

# Lines about the files of the boxes, an empty line, then the bytes of those that are taken, one after another. What is no
# plain file with a plain name is only counted; so is one that is too big, or beyond the first hundred.
list_outbox() {
  odd=0 over=0
  set --
  for box in $found; do
    for file in "$dir/$box"/*; do
      base=${file##*/}
      [ "$base" != '*' ] || [ -e "$file" ] || continue
      case $base in
        *[!A-Za-z0-9._-]* | *.md?* | [!0-9]* | ?????????????????????????????????????????*) odd=$((odd + 1)) ;;
        *.md)
          if [ -L "$file" ] || [ ! -f "$file" ]; then
            odd=$((odd + 1))
          elif [ $# -ge 100 ]; then
            over=$((over + 1))
          else
            set -- "$@" "$file"
          fi
          ;;
        *) odd=$((odd + 1)) ;;
      esac
    done
  done
  echo "outbox 1"
  [ "$odd" -eq 0 ] || echo "odd $odd"
  if [ $# -gt 0 ]; then
    small=$(find "$@" -prune -type f -size -129)
    for file; do
      case "
$small
" in *"
$file
"*) ;; *) echo "big ${file##*/}" ;; esac
    done
    measured=
    # shellcheck disable=SC2086
    [ -z "$small" ] || measured=$(wc -c $small)
    left=262144
    # shellcheck disable=SC2086
    set -- $measured
    small=
    while [ $# -gt 1 ] && [ "$2" != total ]; do
      if [ "$1" -le "$left" ]; then
        left=$((left - $1)) small="$small $2"
        echo "file $1 ${2##*/}"
      else
        over=$((over + 1))
      fi
      shift 2
    done
  fi
  [ "$over" -eq 0 ] || echo "over $over"
  echo
  # shellcheck disable=SC2086
  [ -z "$small" ] || cat $small
}
