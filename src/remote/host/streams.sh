# The streams of a run, bounded, and the result that is made of them.

# NAME: takes the stream from fd 3 into DIR.NAME and adds to DIR.streams how much it was. Small streams cost one dd.
# A stream that outgrows what is kept goes on through tail and sha256sum: its size never matters to this host.
capture() {
  file=$dir.$1 total=0 sha=- limit=$((keep * 2 + 16896))
  while count=$(((limit - total) / 512)) && [ "$count" -gt 32 ]; do
    plain "$file"
    stats=$(TOWLINE_TAKES=$mark dd bs=512 "count=$count" <&3 2>&1 >>"$file")
    code=$? blocks= bytes= before=
    for word in $stats; do
      case $word in
        records) blocks=${blocks:-$before} ;;
        bytes) bytes=$before ;;
      esac
      before=$word
    done
    if [ "$code" -ne 0 ] || [ -z "$blocks" ]; then
      # Cut off by us, or the disk is full: what there is stays, and a writer that is still there may go on.
      [ "$code" -ge 128 ] || { sha=short && TOWLINE_TAKES=$mark cat <&3 >/dev/null; }
      total=$(($(wc -c <"$file")))
      break
    fi
    [ -n "$bytes" ] || bytes=$(($(wc -c <"$file") - total)) # busybox may not say it
    total=$((total + bytes))
    [ $((${blocks%+*} + ${blocks#*+})) -ge "$count" ] || break
  done
  if [ "$count" -le 32 ]; then
    mkfifo "$file.a" "$file.b"
    tail -c "$keep" <"$file.a" >"$file.tail" &
    tail=$!
    wc -c <"$file.b" >"$file.count" &
    wc=$!
    {
      cat "$file"
      TOWLINE_TAKES=$mark cat <&3
    } | tee "$file.a" "$file.b" | sha256sum >"$file.sha"
    wait "$tail" "$wc"
    read -r total <"$file.count"
    read -r sha _ <"$file.sha"
    total=$((total))
  fi
  plain "$dir.streams"
  echo "$1 $total $sha" >>"$dir.streams"
}

# → $out_seen and $err_seen, the size and hash that the captures told; fails until both have ended
tally() {
  out_seen= err_seen=
  [ -f "$dir.streams" ] && {
    while read -r key seen; do
      number "${seen%% *}" || continue
      case $key in
        out) out_seen=$seen ;;
        err) err_seen=$seen ;;
      esac
    done <"$dir.streams"
  } 2>/dev/null
  [ -n "$out_seen" ] && [ -n "$err_seen" ]
}

# NAME SEEN: cuts DIR.NAME to head and tail when it is longer than what is kept → $bytes, $sha (- when the head has it),
# $head and $tail bytes
trim() {
  file=$dir.$1 bytes=${2%% *} sha=${2#* } tail=0
  [ -e "$file" ] || : >"$file"
  [ -n "$2" ] || bytes=$(ulimit -t 2; wc -c <"$file")
  bytes=$((bytes))
  [ ${#sha} -eq 64 ] || sha=-
  head=$bytes
  [ "$bytes" -gt $((keep * 2)) ] || return 0
  head=$keep tail=$keep
  if [ "$sha" = - ]; then
    # Somebody made it endless: its beginning counts.
    sha=$(ulimit -t 2; sha256sum <"$file") || {
      dd if=/dev/null of="$file" bs=1 "seek=$keep" 2>/dev/null
      bytes=$keep sha=- tail=0
      return
    }
    sha=${sha%% *}
    tail -c "$keep" "$file" >"$file.tail"
  fi
  dd "bs=$keep" count=1 if="$file" of="$file.head" 2>/dev/null
  mv -f "$file.head" "$file"
}

# PART → how many bytes of it are taken at most
part_limit() {
  case $1 in
    bundle) limit=50331648 ;;
    *) limit=524288 ;;
  esac
}

# → $kept, a line for each part of the result besides the streams, and adds to $size. One that is too big goes: an answer
# that is longer than the other side takes would keep it from hearing of the others.
measure_parts() {
  kept= shape=$format
  for part in $parts_known; do
    [ -s "$dir.$part" ] || continue
    part_limit "$part"
    bytes=$(ulimit -t 2; wc -c <"$dir.$part") && [ "$bytes" -le "$limit" ] && sha=$(ulimit -t 5; sha256sum <"$dir.$part") || {
      rm -f "$dir.$part"
      continue
    }
    bytes=$((bytes)) shape=$parted
    size=$((size + bytes))
    kept="$kept
part $part $bytes ${sha%% *}"
  done
}

# EXIT END TOOK → $text, the description of what was captured, its $size and that of the streams and parts with it
describe() {
  tally
  trim out "$out_seen"
  size=$((head + tail))
  text="out $bytes $sha $head $tail"
  trim err "$err_seen"
  size=$((size + head + tail))
  last="err $bytes $sha $head $tail"
  measure_parts
  text="format $shape
job $job
epoch $epoch
exit $1
end $2
started $started
took $3
boot $was
program $program$kept
$text
$last"
  size=$((size + ${#text} + 1))
}

# EXIT END TOOK: what was captured becomes the result, once and for all
conclude() {
  if [ -s "$dir.secret" ]; then
    while IFS= read -r secret; do
      case /$secret/ in */../*) ;; *) rm -rf "$dir/$secret" ;; esac
    done <"$dir.secret"
  fi
  end=$2
  pack_outbox
  describe "$1" "$2" "$3"
  set -C
  { echo "$text" >"$dir.result"; } 2>/dev/null
  set +C -- $? "$3"
  if [ "$1" -ne 0 ]; then # another has written it or writes it right now, or was killed over it, or the disk is full
    whole || sleep 0.3
    whole || { echo "$text" >"$dir.result"; } 2>/dev/null
    size=
    whole || shrink "$2" || return 1
  fi
  set -- "$dir.result"
  [ ! -s "$dir.out" ] || set -- "$@" "$dir.out"
  [ ! -s "$dir.err" ] || set -- "$@" "$dir.err"
  for part in $parts_known; do [ ! -s "$dir.$part" ] || set -- "$@" "$dir.$part"; done
  # step: result
  durable "$@"
  # step: durable
  stamp || { shrink "$took" && stamp; }
  # step: stamp
}

# TOOK: on a full disk most of the streams goes, so that there is room to say so. Nobody can tell what else of the
# run is missing then: it counts as died.
shrink() {
  end=died
  for part in $parts_known; do rm -f "$dir.$part"; done
  for spare in 4096 0; do
    for name in out err; do
      [ "$(ulimit -t 2; wc -c <"$dir.$name")" -le "$spare" ] 2>/dev/null || dd if=/dev/null of="$dir.$name" bs=1 "seek=$spare" 2>/dev/null
    done
    rm -f "$dir".*.tail "$dir".*.sha "$dir".*.count "$dir.streams"
    keep=4096
    describe - died "$1"
    { echo "$text" >"$dir.result"; } 2>/dev/null
    whole && return
  done
  rm -f "$dir.result"
  return 1
}

# Was all of the result written?
whole() {
  last=
  [ -f "$dir.result" ] && { while read -r key _; do last=$key; done <"$dir.result"; } 2>/dev/null
  [ "$last" = err ]
}

# Beside the result: the format, its hash, the size of all, the end, and the hashes of out, out.tail, err, err.tail (- when empty).
# With that the run has ended, for everybody.
stamp() {
  [ -n "$size" ] || recount || return 1
  set -- "$dir.result"
  for name in out out.tail err err.tail; do
    [ ! -s "$dir.$name" ] || set -- "$@" "$dir.$name"
  done
  hashes=$(ulimit -t 2; sha256sum "$@") || return 1
  # shellcheck disable=SC2086
  set -- $hashes
  hash= out_hash=- out_tail=- err_hash=- err_tail=-
  while [ $# -gt 1 ]; do
    case $2 in
      *.result) hash=$1 ;;
      *.out) out_hash=$1 ;;
      *.out.tail) out_tail=$1 ;;
      *.err) err_hash=$1 ;;
      *.err.tail) err_tail=$1 ;;
    esac
    shift 2
  done
  parts="$out_hash $out_tail $err_hash $err_tail"
  [ -n "$hash" ] && { echo "$shape $hash $size $end $parts" >"$dir.sum"; } 2>/dev/null
}

# → $shape, $end and $size out of a result that is there
recount() {
  [ -f "$dir.result" ] && size=$(ulimit -t 2; wc -c <"$dir.result") || return 1
  size=$((size))
  shape=$format
  while read -r key value bytes head tail; do
    case $key in
      format) shape=$value ;;
      end) end=$value ;;
      part)
        number "$bytes" || return 1
        size=$((size + bytes))
        ;;
      out | err)
        number "$head" && number "$tail" || return 1
        size=$((size + head + tail))
        ;;
    esac
  done <"$dir.result"
}
