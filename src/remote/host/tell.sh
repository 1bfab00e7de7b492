# Messages for an agent that is at work: put where its runtime shows them, each once. What it was not shown may be given
# to another run later.

# ID: the run's driver, or the command for agents, has shown it
shown() { [ -e "$dir/inbox/.told/$1" ] || [ -e "$dir/inbox/.read/tell-$1.md" ]; }

# ID: what follows in the request is its text, by fd 4. Nothing of it is kept unless it is to be put.
open_letter() {
  letter=
  exec 4>/dev/null
  case $1 in
    *[!0-9a-f]*) return ;;
    ????????????????) letters="$letters $1" ;;
    *) return ;;
  esac
  [ "$state" = running ] && [ -e "$dir/.hears" ] && [ ! -e "$dir/inbox/tell-$1.md" ] && ! shown "$1" || return
  if { printf '' >"$dir.letter"; } 2>/dev/null; then
    exec 4>"$dir.letter"
    letter=$1
  fi
}

# The one that was read goes there as a whole, and over nothing that can be waited for.
put_letter() {
  exec 4>/dev/null
  [ -n "$letter" ] || return 0
  [ -d "$dir/inbox" ] || mkdir "$dir/inbox"
  mv -f "$dir.letter" "$dir/inbox/tell-$letter.md"
  letter=
} 2>/dev/null

# JOB EPOCH: answers how the run stands, and which of the letters it was shown
tell() {
  job=$1 epoch=$2 letters= letter=
  settle "$jobs/$job/$epoch"
  plain "$dir.letter"
  exec 4>/dev/null
  while IFS= read -r line <&9; do
    case $line in
      +*) printf '%b' "${line#+}" >&4 || letter= ;;
      "letter "*)
        put_letter
        open_letter "${line#letter }"
        ;;
      "end $nonce")
        put_letter
        exec 4>&-
        for letter in $letters; do shown "$letter" && state="$state $letter"; done
        answer "$job" "$epoch" "$state"
        return
        ;;
    esac
  done
  rm -f "$dir.letter"
  hand_over
  exit 0
}
