# Coding work: git as this program uses it, the mirror of a repository, and the worktree of a job.
#   PACK/repos/HEX.git     a bare mirror, filled by bundles; refs/sent/COMMIT: what came
#   PACK/trees/JOB         the worktree, from the first round until the job is closed
#   PACK/trees/JOB.tree    its mirror, its branch, and when it was used last; there before the worktree is

hex40() { case $1 in *[!0-9a-f]*) return 1 ;; esac && [ ${#1} -eq 40 ]; }

branch_name() {
  case /$1/ in //* | */. | */.* | */-* | *..* | *.lock/* | *./ | *//* | *[!A-Za-z0-9._/-]*) return 1 ;; esac
}

# PACK HEX JOB → $repo, $tree and $admin (what git keeps of the worktree), absolute
places() { repo=$PWD/$1/repos/$2.git tree=$PWD/$1/trees/$3 admin=$repo/worktrees/$3; }

# What the login may say to git of itself: none of it is about a mirror of ours.
own_git() {
  unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_COMMON_DIR GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES \
    GIT_NAMESPACE GIT_CONFIG GIT_CONFIG_PARAMETERS GIT_CONFIG_COUNT GIT_TEMPLATE_DIR GIT_EXTERNAL_DIFF GIT_CEILING_DIRECTORIES
  export GIT_TERMINAL_PROMPT=0
}

# Git on the mirror: without the owner's settings, hooks, filters, helpers or a way out. Bounded, where this host can.
vc() (
  own_git
  export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_ATTR_NOSYSTEM=1 GIT_NO_REPLACE_OBJECTS=1 \
    GIT_OPTIONAL_LOCKS=0 GIT_EDITOR=: HOME=/dev/null XDG_CONFIG_HOME=/dev/null
  ulimit -S -t 900 2>/dev/null
  set -- git --git-dir="$repo" "$@"
  [ "$timeout" != group ] || set -- timeout -k 5 "${patience:-120}" "$@"
  exec "$@" 9<&-
)

# The same in the worktree. The place of its administration is told, and not looked up in a file of the worktree.
inside() (
  cd "$tree" 2>/dev/null || exit 1
  repo=$admin
  vc --work-tree="$tree" -c core.bare=false -c "core.excludesFile=$admin/towline-exclude" "$@"
)

# The settings of the mirror, written anew before each use: a run may have changed them, and git runs what they name.
groom() {
  {
    [ -d "$repo/info" ] || mkdir "$repo/info"
    rm -f "$repo/info/attributes" "$repo/config.worktree" "$repo/objects/info/alternates"
    echo '/.towline/' >"$repo/info/exclude" &&
      cat >"$repo/config.$$" <<'END' && mv -f "$repo/config.$$" "$repo/config"
[core]
	repositoryformatversion = 0
	bare = true
	filemode = true
	symlinks = true
	autocrlf = false
	hooksPath = /dev/null
	attributesFile = /dev/null
	fsmonitor = false
	logAllRefUpdates = false
[commit]
	gpgSign = false
[tag]
	gpgSign = false
[protocol]
	allow = never
[push]
	default = nothing
[gc]
	auto = 0
[maintenance]
	auto = false
[advice]
	detachedHead = false
END
  } 2>/dev/null || return 1
  # What a git left that was killed: none of these is held for long.
  find "$repo/refs" "$repo/packed-refs.lock" "$repo/HEAD.lock" "$repo/config.lock" -name '*.lock' -mmin +1 \
    -exec rm -f {} + 2>/dev/null
  :
}

# The whole mirror, or none: it is made beside its place.
mirror() {
  [ ! -f "$repo/HEAD" ] || return 0
  place=$repo repo=$repo.$$
  rm -rf "$repo"
  if vc -c init.defaultBranch=main init -q --bare --template= >/dev/null 2>&1 && groom && [ ! -d "$place" ]; then
    mv "$repo" "$place" 2>/dev/null
  fi
  rm -rf "$repo"
  repo=$place
  [ -f "$repo/HEAD" ]
}

# FILE: a folder whatever its modes are
wipe() { rm -rf "$@" 2>/dev/null || { chmod -R u+rwX "$@" && rm -rf "$@"; } 2>/dev/null; }

# FIRST LATER: does the one stand in the history of the other?
leads() { vc merge-base --is-ancestor "$1" "$2" 2>/dev/null; }

# COMMIT: kept under a name of its own, so that nothing of a run is lost where the branch goes another way
keep_tip() { ! hex40 "$1" || leads "$1" "$base" || vc update-ref "refs/towline/kept/$job/$1" "$1" 2>/dev/null; }

# Does $head go on from what was pushed, and $base not? Then people have put the branch back.
put_back() {
  pushed=$(cat "$dir/.code/pushed" 2>/dev/null)
  hex40 "$pushed" && leads "$pushed" "$head" && ! leads "$pushed" "$base"
}

# The worktree stands at $base, or goes on from where it was where that is later. Fails with $why.
plant() {
  why="its worktree cannot be made: is the disk full?"
  mkdir -p "${tree%/*}" 2>/dev/null
  groom && echo "$hex $branch $((started / 100))" >"$tree.tree" || return 1
  # code: plant
  if [ ! -f "$admin/towline-ready" ] || [ ! -f "$tree/.git" ] || [ -L "$tree" ]; then
    planted
  else
    rm -f "$admin"/*.lock "$repo/refs/heads/$branch.lock"
    head=$(inside rev-parse -q --verify 'HEAD^{commit}' 2>/dev/null) || head=
    if ! hex40 "$head"; then
      planted
    elif [ "$head" != "$base" ] && { ! leads "$base" "$head" || put_back; }; then
      leave_nothing
      keep_tip "$(inside rev-parse -q --verify 'HEAD^{commit}' 2>/dev/null)"
      stand_at "$base" && inside reset -q --hard 2>/dev/null
    fi
  fi
}

planted() {
  keep_tip "$(vc rev-parse -q --verify "refs/heads/$branch^{commit}" 2>/dev/null)"
  wipe "$tree" "$admin"
  rm -f "$repo/refs/heads/$branch.lock"
  said=$(vc worktree add -q -f --no-checkout -B "$branch" "$tree" "$base" 2>&1) || {
    why="its worktree cannot be made: $(one_line "$said")"
    return 1
  }
  # code: planted
  said=$(patience=600 inside reset -q --hard 2>&1) && printf '' >"$admin/towline-exclude" && printf '' >"$admin/towline-ready" || {
    why="its worktree cannot be made: $(one_line "$said")"
    return 1
  }
}

# COMMIT: the branch and the worktree's head are there, and no merge or rebase is under way any more
stand_at() {
  rm -rf "$admin"/rebase-* "$admin/sequencer"
  rm -f "$admin"/*.lock "$admin/MERGE_HEAD" "$admin/MERGE_MSG" "$admin/CHERRY_PICK_HEAD" "$admin/REVERT_HEAD"
  vc update-ref "refs/heads/$branch" "$1" 2>/dev/null && inside symbolic-ref HEAD "refs/heads/$branch" 2>/dev/null
}

# What is not committed becomes one commit, or $left says why it cannot.
leave_nothing() {
  left=
  rm -f "$admin"/*.lock "$repo/refs/heads/$branch.lock"
  if [ -d "$admin/rebase-merge" ] || [ -d "$admin/rebase-apply" ]; then
    left="a rebase is not finished"
  elif [ -n "$(inside ls-files -u 2>/dev/null | head -n 1)" ]; then
    left="a merge is not finished"
  elif ! said=$(inside add -A 2>&1); then
    left="it cannot be added: $(one_line "$said")"
  elif ! inside diff --cached --quiet HEAD 2>/dev/null; then
    said=$(
      export GIT_AUTHOR_NAME="$who" GIT_AUTHOR_EMAIL="$mail" GIT_COMMITTER_NAME="$who" GIT_COMMITTER_EMAIL="$mail"
      inside commit -q --no-verify -m "Work of $job" 2>&1
    ) || left="it cannot be committed: $(one_line "$said")"
  fi
  rm -f "$admin"/*.lock
  [ -z "$left" ]
}

# TEXT: the first 200 bytes of it, on one line
one_line() { printf '%s' "$1" | tr -c '\040-\176' ' ' | cut -c 1-200; }
