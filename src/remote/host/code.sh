# Coding work in a conversation: commits come into a mirror, a start is looked at, a worktree goes.

# HEX: of 16 to 64 digits → $repo
choose() {
  case $1 in *[!0-9a-f]*) return 1 ;; esac
  [ ${#1} -ge 16 ] && [ ${#1} -le 64 ] && hex=$1 && places "$pack" "$1" -
}

no_git='git is not installed on this host'
has_git() { command -v git >/dev/null 2>&1; }

# HEX: the commits that are in that mirror with all that they build on
code_tips() {
  drain
  if ! choose "$1"; then
    refuse "bad request"
  elif ! has_git; then
    refuse "$no_git"
  elif [ ! -f "$repo/HEAD" ]; then
    answer - - ""
  else
    groom
    answer - - "$(vc for-each-ref --count=200 --sort=-committerdate '--format=%(objectname)' refs/sent 2>/dev/null)"
  fi
}

# HEX BYTES SHA256: a bundle for that mirror is to come, in pieces.
code_bundle() {
  drain
  discard
  if ! choose "$1" || ! number "$2" || ! hex64 "$3"; then
    refuse "bad request"
  elif ! has_git; then
    refuse "$no_git"
  elif [ $(($2 / 256)) -gt "${room:-0}" ]; then
    refuse "there is too little room on the disk for a bundle of $2 bytes"
  else
    bytes=$2 sum=$3
    [ -d "$pack/repos" ] || mkdir -p "$pack/repos" 2>/dev/null
    # What a conversation left that was killed.
    for other in "$pack"/repos/*.in.* "$pack"/repos/*.git.*; do
      [ -e "$other" ] && ! birth "${other##*.}" && wipe "$other"
    done
    temp=$pack/repos/$hex.in.$$
    trap 'rm -f "$temp"' EXIT
    trap 'exit 1' HUP TERM PIPE
    if { printf '' >"$temp"; } 2>/dev/null; then
      answer - - ready
    else
      discard
      refuse "cannot write there: is the disk full?"
    fi
  fi
}

code_chunk() { file_more "$1"; }

# The bundle is whole: its commits come into the mirror, and last of all their names.
code_land() {
  drain
  if [ -z "$temp" ]; then
    refuse "nothing is to come"
    return
  fi
  digest_of "$temp"
  came=$(wc -c <"$temp") why=
  if [ "$((came))" != "$bytes" ]; then
    why="$((came)) of $bytes bytes came: is the disk full?"
  elif [ "$digest" != "$sum" ]; then
    why="it was altered on the way"
  elif ! mirror || ! groom; then
    why="its mirror cannot be made: is the disk full?"
  else
    land
  fi
  discard
  if [ -n "$why" ]; then refuse "$why"; else answer - - landed; fi
}

# Reads the bundle $temp: a line, `-COMMIT` for each that it builds on, `COMMIT NAME` for each that it brings, an empty
# line, a pack. `read` takes no byte more than its line, so the pack's reader finds its beginning. → $why when it fails
land() {
  brings=
  exec 3<"$temp"
  IFS= read -r line <&3
  [ "$line" = "# v2 git bundle" ] || why="it is no bundle"
  while [ -z "$why" ] && IFS= read -r line <&3 && [ -n "$line" ]; do
    commit=${line#-}
    commit=${commit%% *}
    hex40 "$commit" || why="it is no bundle"
    case $line in
      -*) vc cat-file -e "$commit^{commit}" 2>/dev/null || {
        why="it builds on $commit, which is not here"
        forget_sent
      } ;;
      *) brings="$brings $commit" ;;
    esac
  done
  [ -n "$why$brings" ] || why="it brings nothing"
  if [ -z "$why" ]; then
    find "$repo/objects/pack" -name 'tmp_*' -mmin +60 -exec rm -f {} + 2>/dev/null
    # code: unpack
    patiently index-pack --stdin --fix-thin \
      --strict=zeroPaddedFilemode=ignore,badTimezone=ignore,missingSpaceBeforeDate=ignore,missingEmail=ignore ||
      why="it cannot be unpacked: $(one_line "$(tail -n 1 "$temp.log")")"
  fi
  exec 3<&-
  rm -f "$temp.log"
  [ -z "$why" ] || return 1
  # code: unpacked
  for commit in $brings; do
    vc cat-file -e "$commit^{commit}" 2>/dev/null && vc update-ref "refs/sent/$commit" "$commit" 2>/dev/null ||
      why="$commit did not come with it"
  done
  # Names beyond the newest say nothing new.
  vc for-each-ref --sort=-committerdate '--format=%(refname)' refs/sent 2>/dev/null | tail -n +41 |
    while read -r line; do vc update-ref -d "$line" 2>/dev/null; done
  [ -z "$why" ]
}

# The mirror lacks what it said it had: it says no more that it has anything, and the next bundle is a whole one.
forget_sent() {
  vc for-each-ref '--format=delete %(refname)' refs/sent 2>/dev/null | vc update-ref --stdin 2>/dev/null
}

# ARGUMENT…: git on fd 3, of as long as it takes. The other side hears each second that there is still somebody.
patiently() {
  patience=1800 vc "$@" <&3 >"$temp.log" 2>&1 &
  runner=$! ticks=0
  while birth "$runner"; do
    ticks=$((ticks + 1))
    if [ $ticks -lt 40 ]; then
      doze 3
    else
      doze 100
      echo
    fi
  done
  wait "$runner"
}

# → $stand: the worktrees of all packs, that of this job left out
count_trees() {
  stand=0
  for other in */trees/*.tree; do
    [ "$other" = "$pack/trees/$job.tree" ] || [ ! -e "$other" ] || stand=$((stand + 1))
  done
}

# Can the coding work of $dir start here? Nothing is made yet. Fails with $why, and says in $no whether that passes.
fit() {
  why="bad request" no=refused
  { read -r mirrored base branch trees most rest && IFS= read -r who && IFS= read -r mail; } <"$dir.work" || return 1
  choose "$mirrored" && hex40 "$base" && branch_name "$branch" && number "$trees" && number "$most" &&
    [ -z "$rest" ] && [ -n "$who" ] && [ -n "$mail" ] || return 1
  printf '%s\n' "$hex $base $branch $most" "$who" "$mail" >"$dir.work" || return 1
  why=$no_git no=later
  has_git || return 1
  count_trees
  why="this host holds all the worktrees that are allowed, $stand of $trees: merge or close what is in review"
  [ "$stand" -lt "$trees" ] || return 1
  why="the commit $base is not in the mirror of this host"
  [ -f "$repo/HEAD" ] && groom || return 1
  vc cat-file -e "$base^{commit}" 2>/dev/null || {
    forget_sent
    return 1
  }
  no=refused
  simple
}

# What cannot be worked on here: the ticker refuses it, too.
simple() {
  tab=$(printf '\t')
  line=$(vc ls-tree -r --full-tree "$base" 2>/dev/null | grep '^160000 ' | head -n 1)
  why="the repository has submodules ($(one_line "${line#*"$tab"}")), which cannot be brought to a host"
  [ -z "$line" ] || return 1
  line=$(vc grep -l -e 'filter=lfs' "$base" -- '*.gitattributes' 2>/dev/null | head -n 1)
  why="the repository keeps files in Git LFS ($(one_line "${line#*:}")), which cannot be brought to a host"
  [ -z "$line" ] || return 1
  why="the repository has a .towline of its own, which is kept for the instructions of agents"
  [ -z "$(vc ls-tree "$base" .towline 2>/dev/null)" ] || return 1
  why=
}

# → $facts, with the worktrees of this pack, and what a start of coding work would meet
list_trees() {
  has_git || facts="$facts
lacks git"
  job=-
  count_trees
  [ "$stand" -eq 0 ] || facts="$facts
trees $stand"
  for entry in "$pack"/trees/*.tree; do
    { read -r hex branch used <"$entry"; } 2>/dev/null && number "$used" || continue
    entry=${entry##*/}
    facts="$facts
tree ${entry%.tree} $hex $used"
  done
}

# JOB: its worktree, its branch and its session go, unless a run of it is open.
code_close() {
  drain
  name "$1" || {
    refuse "bad request"
    return
  }
  job=$1
  for mark in "$pack/held/$job".*; do
    number "${mark##*.}" && [ "$mark" = "$pack/held/$job.${mark##*.}" ] || continue
    settle "$jobs/$job/${mark##*.}"
    [ "$state" != running ] || {
      answer - - open
      return
    }
  done
  clear_session "$jobs/$job/0"
  clear_tree
  sweep_mirrors
  answer - - closed
}

# Mirrors that no worktree stands on and into which nothing came for two months
sweep_mirrors() {
  for entry in $(find "$pack"/repos/*.git/refs/sent -prune -type d -mtime +60 2>/dev/null); do
    entry=${entry%/refs/sent}
    hex=${entry##*/}
    cat "$pack"/trees/*.tree 2>/dev/null | grep -q "^${hex%.git} " || wipe "$entry"
  done
}

clear_tree() {
  hex= branch=
  { read -r hex branch _ <"$pack/trees/$job.tree"; } 2>/dev/null
  choose "$hex" && places "$pack" "$hex" "$job" && [ -f "$repo/HEAD" ] && has_git && {
    groom
    rm -rf "$admin"
    ! branch_name "$branch" || vc update-ref -d "refs/heads/$branch" 2>/dev/null
    vc for-each-ref '--format=delete %(refname)' "refs/towline/kept/$job" 2>/dev/null | vc update-ref --stdin 2>/dev/null
  }
  # Out of its place at once; the rest may take a while, and goes on by itself.
  [ ! -e "$pack/trees/$job" ] && [ ! -L "$pack/trees/$job" ] || mv "$pack/trees/$job" "$pack/trees/.gone.$job.$$" 2>/dev/null
  rm -f "$pack/trees/$job.tree"
  for entry in "$pack"/trees/.gone.*; do
    [ -e "$entry" ] || [ -L "$entry" ] || continue
    # shellcheck disable=SC2016
    setsid sh -c 'rm -rf "$@" || { chmod -R u+rwX "$@"; rm -rf "$@"; }' wipe "$PWD/$pack"/trees/.gone.* >/dev/null 2>&1 9<&- &
    break
  done
}
