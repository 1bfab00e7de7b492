# Which learnings apply to what is asked on stdin: their names in a first line, then each with score and text. It reads
# a file of weights first (src/core/shipped.ts), and only sums them. Its words are those of src/core/words.ts, by bytes:
# run with LC_ALL=C. For mawk, gawk and the awk of busybox. With `-v each=1` every line is a question of its own.

BEGIN {
  for (at = 1; at < 256; at++) byte[sprintf("%c", at)] = at
}

FNR == 1 { file++ }

file == 1 && $1 == "limits" { hits = $2; near = $3; least = $4; share = $5; unknown = $6; most_words = $7; most_bytes = $8 }
file == 1 && $1 == "fold" { for (at = 2; at < NF; at += 2) fold[$at] = $(at + 1) }
file == 1 && $1 == "stop" { for (at = 2; at <= NF; at++) stop[$at] = 1 }
file == 1 && $1 == "same" { for (at = 2; at < NF; at += 2) same[$at] = $(at + 1) }
file == 1 && $1 == "term" { row[$2] = $0 }
file == 1 && $1 == "doc" { count++; name[count] = $2; text[count] = substr($0, length($2) + 6) }
file == 1 { next }

{
  for (place = 1; place <= NF && seen < most_words; place++) {
    seen++
    if (length($place) <= most_bytes) split_run($place)
  }
  if (each) answer()
}

END { if (!each) answer() }

# A run between blanks: letters and digits, and the parts that capitals make of them.
function split_run(run,    at, letter, code, to, size) {
  part = ""; parts = 0; whole = ""; before = ""
  size = length(run)
  for (at = 1; at <= size; at++) {
    letter = substr(run, at, 1)
    code = byte[letter]
    if (code >= 128) {
      to = other(run, at, code)
      at += wide - 1
      if (to == "-") end_run()
      else part = part to
    } else if (code >= 65 && code <= 90) {
      if (before == "low" || (before == "up" && begins_word(run, at))) end_part()
      part = part tolower(letter)
      before = "up"
    } else if ((code >= 97 && code <= 122) || (code >= 48 && code <= 57)) {
      part = part letter
      before = "low"
    } else end_run()
  }
  end_run()
}

# What a letter beyond ASCII is found by, "-" for none; → wide: how many bytes it has.
function other(run, at, code,    two, after) {
  wide = code >= 240 ? 4 : code >= 224 ? 3 : code >= 192 ? 2 : 1
  two = substr(run, at, 2)
  after = byte[substr(run, at + 1, 1)]
  if (code == 194) return "-"
  if (code == 204 || (code == 205 && after < 176)) return ""
  if (code == 226 && (after == 128 || after == 129)) return "-"
  if (code == 227 && after == 128) return "-"
  return two in fold ? fold[two] : substr(run, at, wide)
}

function lower(run, at,    code) {
  code = byte[substr(run, at, 1)]
  return code >= 97 && code <= 122
}

function begins_word(run, at) {
  return lower(run, at + 1) && !(substr(run, at + 1, 1) == "s" && !lower(run, at + 2))
}

function end_part() {
  if (part == "") return
  parts++
  whole = whole part
  add(part, 0)
  part = ""
}

function end_run() {
  end_part()
  if (parts > 1) add(whole, 1)
  parts = 0; whole = ""; before = ""
}

# A word as it is found; `all` of a run counts only where somebody wrote it down.
function add(raw, all,    word, cells, cell, n, at) {
  if (length(raw) < 2 || raw in stop || raw !~ /[^0-9]/) return
  word = stem(raw in same ? same[raw] : raw)
  if (word in asked) return
  if (!(word in row)) {
    if (all) return
    asked[word] = 1
    total += unknown
    return
  }
  asked[word] = 1
  n = split(row[word], cells, " ")
  total += cells[3]
  for (at = 4; at <= n; at++) {
    split(cells[at], cell, ":")
    sum[cell[1]] += cell[2]
  }
}

function ends(word, end, least,    size) {
  size = length(word)
  return size >= least && substr(word, size - length(end) + 1) == end
}

function but(word, size) { return substr(word, 1, length(word) - size) }

function stem(word) {
  if (word !~ /^[a-z0-9]+$/) return word
  word = singular(word)
  if (ends(word, "ing", 6)) word = shortened(word, 3)
  else if (ends(word, "ied", 5)) word = but(word, 3) "y"
  else if (ends(word, "ed", 5) && !ends(word, "eed", 5)) word = shortened(word, 2)
  else if (ends(word, "tion", 7) || ends(word, "sion", 7)) word = but(word, 3)
  else if (ends(word, "ly", 6)) word = but(word, 2)
  return ends(word, "e", 4) ? but(word, 1) : word
}

function singular(word) {
  if (ends(word, "ies", 5)) return but(word, 3) "y"
  if (ends(word, "sses", 6) || ends(word, "shes", 6) || ends(word, "ches", 6) || ends(word, "xes", 6) || ends(word, "zzes", 6))
    return but(word, 2)
  if (ends(word, "s", 4) && !ends(word, "ss", 4) && !ends(word, "us", 4) && !ends(word, "is", 4)) return but(word, 1)
  return word
}

function shortened(word, ending,    base, size) {
  base = but(word, ending)
  if (base !~ /[aeiouy]/) return word
  size = length(base)
  if (size > 1 && substr(base, size, 1) == substr(base, size - 1, 1) && base !~ /[lsz]$/) return but(base, 1)
  return base
}

function enough(score) { return score * 100 >= least && score * 100 >= total * share && score * 100 >= best * near }

# The learnings stand in the order of their names, so that of equal ones the first goes first.
function answer(    given, at, top, names, lines) {
  for (given = 1; given <= hits; given++) {
    top = 0
    for (at = 1; at <= count; at++) if (sum[at] > 0 && (top == 0 || sum[at] > sum[top])) top = at
    if (given == 1) best = sum[top]
    if (top == 0 || !enough(sum[top])) break
    names = names (given == 1 ? "" : ", ") name[top]
    lines = lines sprintf("%s (%.2f): ", name[top], sum[top] / 100) text[top] "\n"
    sum[top] = 0
  }
  printf "hits: [%s]\n%s", names, lines
  for (at in asked) delete asked[at]
  for (at in sum) delete sum[at]
  total = 0; seen = 0
}
