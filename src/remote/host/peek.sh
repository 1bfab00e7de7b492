# What a run has printed so far, for somebody who looks on.

# NAME FROM → $piece, how many bytes of that stream there are beyond FROM, 16 KiB at most, and $more when not all of it
# is there to be read: it has outgrown what is kept.
beyond() {
  piece=0
  [ ! -e "$dir.$1.a" ] && [ ! -e "$dir.$1.tail" ] || more=more
  [ -f "$dir.$1" ] || return 0
  piece=$(ulimit -t 2; wc -c <"$dir.$1")
  piece=$((piece - $2))
  [ "$piece" -gt 0 ] || piece=0
  [ "$piece" -le 16384 ] || piece=16384
}

# JOB EPOCH OUT ERR: how it stands, and its streams from there on. It goes on printing meanwhile: what was counted is sent.
peek() {
  more=all
  settle "$jobs/$1/$2"
  beyond out "$3"
  out=$piece
  beyond err "$4"
  text="$state $out $piece $more
"
  printf '\ntowline1 %s %s %s %s %s -\n%s' "$nonce" "$verb" "$1" "$2" $((${#text} + out + piece)) "$text"
  [ "$out" -eq 0 ] || dd if="$dir.out" bs=1 "skip=$3" "count=$out" 2>/dev/null
  [ "$piece" -eq 0 ] || dd if="$dir.err" bs=1 "skip=$4" "count=$piece" 2>/dev/null
  printf '\ntowline1-end %s\n' "$nonce"
}
