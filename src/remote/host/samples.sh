# How this host fared: a line at most each minute, noted whenever somebody asks, so that it is known later, too.

# Keeps load, memory, disk and slots of now. When a file is full it takes the place of the older one: there are 1,440
# lines at least, twice as many at most.
note_sample() {
  last=0 count=0
  { read -r last count _ <samples/last; } 2>/dev/null
  number "$last" && number "$count" || last=0 count=0
  # A clock that was set back notes at once, or it would be silent until its old time.
  [ "$date" -ge $((last + 60)) ] || [ "$date" -lt "$last" ] || return 0
  {
    [ -d samples ] || mkdir samples
    if [ "$count" -ge 1440 ]; then
      mv -f samples/now samples/old
      count=0
    fi
    echo "$date ${load:-0} $cores $free $total ${room:-0} ${disk:-0} $used" >>samples/now &&
      echo "$date $((count + 1))" >samples/last
  } 2>/dev/null
}

# SINCE: no fewer than the lines noted after that second
samples() {
  number "$1" || set -- 0
  newer=$(((date - $1) / 60 + 2))
  [ "$newer" -gt 0 ] && [ "$newer" -le 2880 ] || newer=2880
  answer - - "$(cat samples/old samples/now 2>/dev/null | tail -n "$newer")"
}
