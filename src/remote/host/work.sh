# One run of coding work: what comes before the agent (worktree, instructions, setup) and after it (commit, verify, bundle).

# Is this run coding work? What it was told stands in DIR.work; it is read before the agent can change it.
coding() {
  [ -f "$dir.work" ] || return 1
  {
    read -r hex base branch most
    IFS= read -r who
    IFS= read -r mail
  } <"$dir.work"
  places "${dir%%/*}" "$hex" "$job"
  cpu=$(ulimit -S -t) verify= ran_setup= ran_verify= why= left= state=unready
  [ ! -f "$dir/.code/verify" ] || verify=$(cat "$dir/.code/verify")
}

# Everything that the agent needs stands ready. Otherwise $state and $why say what is missing.
ready() {
  plant || return 1
  instruct || {
    why="the instructions cannot be put into the worktree: is the disk full?"
    return 1
  }
  why=
  [ -f "$dir/.code/setup" ] && [ ! -e "$admin/towline-setup" ] || return 0
  script setup "$deadline"
  ran_setup="$exit_of $took_of"
  [ -z "$stopped" ] || return 1
  [ "$exit_of" = 0 ] || {
    state=setup why="setup failed"
    return 1
  }
  take_back
  printf '' >"$admin/towline-setup"
}

# Of what setup did, nothing gets into a commit: changes go, and the files that it made are left out of this worktree.
take_back() {
  groom
  inside -c core.quotePath=false ls-files --others --directory --exclude-standard 2>/dev/null |
    sed -e '/^"/d' -e 's/[][*?\\]/\\&/g' -e 's|^|/|' >>"$admin/towline-exclude"
  inside reset -q --hard 2>/dev/null
}

# The instructions, out of the launch. At the root only where the repository has nothing of that name.
instruct() {
  [ -d "$dir/.towline" ] || return 0
  if [ -L "$tree/.towline" ] || [ ! -d "$tree/.towline" ]; then
    rm -rf "$tree/.towline"
    mkdir "$tree/.towline" || return 1
  fi
  wipe "$tree/.towline/outbox"
  for file in "$dir"/.towline/*; do
    one=${file##*/}
    [ -f "$file" ] || continue
    rm -rf "$tree/.towline/$one" && cp "$file" "$tree/.towline/$one" || return 1
  done
  own_excludes || return 0
  for file in "$dir"/.towline/root/*; do
    one=${file##*/}
    [ -f "$file" ] && [ -z "$(inside ls-files -- "$one" 2>/dev/null)" ] || continue
    if grep -qxF "/$one" "$admin/towline-exclude"; then
      rm -rf "$tree/${one:?}"
    elif [ -e "$tree/$one" ] || [ -L "$tree/$one" ]; then
      continue
    else
      echo "/$one" >>"$admin/towline-exclude" || return 1
    fi
    cp "$file" "$tree/$one" || return 1
  done
}

# Before 2.31 git hears no settings by the environment: the agent's commits would take those files in.
own_excludes() {
  [ "$(own_git; GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=towline.a GIT_CONFIG_VALUE_0=b git config towline.a 2>/dev/null)" = b ]
}

# What is around the agent and the scripts, in their process
surroundings() {
  own_git
  export TOWLINE_TREE="$tree" TOWLINE_EXCLUDE="$admin/towline-exclude" GIT_AUTHOR_NAME="$who" GIT_AUTHOR_EMAIL="$mail" GIT_COMMITTER_NAME="$who" \
    GIT_COMMITTER_EMAIL="$mail" GIT_EDITOR=: GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.excludesFile \
    GIT_CONFIG_VALUE_0="$admin/towline-exclude"
  ulimit -S -t "$cpu"
}

# NAME MS: runs that script of the job in the worktree; the last of its output goes to DIR.NAME → $exit_of, - at its
# limit, and $took_of
script() {
  exit_of=- took_of=0
  plain "$dir.$1"
  rm -f "$dir.$1.pipe" "$dir.overtime"
  mkfifo "$dir.$1.pipe" 2>/dev/null || return 1
  exec 3<>"$dir.$1.pipe"
  exec 5<"$dir.$1.pipe" 6>"$dir.$1.pipe" 3>&-
  exec 8>&6
  rm -f "$dir.$1.pipe"
  { exec tail -c 16384 <&5 5<&- 6>&- 8>&- >"$dir.$1"; } &
  reader=$!
  exec 5<&-
  clock
  began=$now limit=$2
  run_in "$tree" "exec sh \"\$TOWLINE_JOB/.code/$1\""
  exec 6>&- 8>&-
  attend
  end_group
  tries=0
  while birth "$reader" && [ $((tries += 1)) -lt 200 ]; do
    [ "$tries" -ne 50 ] || hunt "TOWLINE_RUN=$mark"
    sleep 0.02
  done
  clock
  took_of=$((now - began)) exit_of=$exit
  case $exit in 124 | 137 | 143) [ $((took_of * 10)) -lt "$limit" ] || exit_of=- ;; esac
  [ ! -e "$dir.overtime" ] || exit_of=-
  rm -f "$dir.overtime"
}

# After the agent, which ended in the way of $end: the parts `bundle` and `code` of the result
deliver() {
  left=
  rm -f "$dir.code" "$dir.bundle"
  bring_out
  [ "$state" != done ] || gather_work
  [ -z "$tree" ] || groom
  head=$base commits=0
  if [ "$state" = done ]; then
    head=$(vc rev-parse -q --verify "refs/heads/$branch^{commit}" 2>/dev/null)
    bundle
  fi
  { report >"$dir.new.code" && mv -f "$dir.new.code" "$dir.code"; } 2>/dev/null
}

# What an agent wrote to an outbox in the worktree, beyond which some may not write, counts like that in its own folder.
bring_out() {
  [ ! -L "$tree/.towline" ] && [ -d "$tree/.towline/outbox" ] && [ ! -L "$tree/.towline/outbox" ] || return 0
  [ ! -e "$dir/workspace" ] || return 0
  mkdir "$dir/workspace" && mv "$tree/.towline/outbox" "$dir/workspace/outbox"
} 2>/dev/null

# What the agent left is committed, looked at by `verify`, and the branch stands on it.
gather_work() {
  groom
  leave_nothing
  case $left in
    "a rebase"*) ;;
    *)
      head=$(inside rev-parse -q --verify 'HEAD^{commit}' 2>/dev/null)
      ! hex40 "$head" || vc update-ref "refs/heads/$branch" "$head" 2>/dev/null
      ;;
  esac
  # code: commit
  [ -n "$verify" ] && [ "$end" = exited ] && [ -z "$stopped" ] || return 0
  mkdir -p "$dir/.code" && plain "$dir/.code/verify" && printf '%s\n' "$verify" >"$dir/.code/verify"
  clock
  limit=$((deadline - (now - since) * 10))
  [ "$limit" -ge 300000 ] || limit=300000
  script verify "$limit"
  ran_verify="$exit_of $took_of"
  groom
  [ -n "$left" ] || { inside reset -q --hard && inside clean -q -f -d; } 2>/dev/null
}

# → $head, $commits, and the bundle, or $why there is none
bundle() {
  if ! hex40 "$head"; then
    head=$base why="the repository of the worktree cannot be read"
  elif ! leads "$base" "$head"; then
    why="the branch does not come from the commit that the work started at" head=$base
  else
    commits=$(vc rev-list --count "$base..$head" 2>/dev/null)
    number "$commits" || commits=0
    [ "$commits" -gt 0 ] || return 0
    made=$dir.new.bundle
    rm -f "$made" "$made.lock"
    said=$(
      ulimit -f $((most / 512 + 64))
      patience=240 vc bundle create "$PWD/$made" "refs/heads/$branch" "^$base" 2>&1
    ) && bytes=$(wc -c <"$made") && [ $((bytes)) -le "$most" ] && mv -f "$made" "$dir.bundle" && return
    case $(ls -l "$made" 2>/dev/null)$said in
      -* | *"signal 25"* | *"oo large"*) why="the work has over $most bytes" ;; # a whole one, or ended at its limit
      *) why="the bundle cannot be made: $(one_line "$said")" ;;
    esac
    rm -f "$made" "$made.lock"
  fi
}

# The part `code`: lines, an empty one, and the last of what setup and verify said
report() {
  set --
  printf 'state %s\nbase %s\nhead %s\ncommits %s\n' "$state" "$base" "$head" "$commits"
  [ -z "$why" ] || echo "why $why"
  [ -z "$left" ] || echo "left $left"
  for one in setup verify; do
    plain "$dir.$one"
    eval "ran=\$ran_$one"
    [ -n "$ran" ] && [ -f "$dir.$one" ] || continue
    bytes=$(wc -c <"$dir.$one")
    echo "$one $ran $((bytes))"
    set -- "$@" "$dir.$one"
  done
  echo
  [ $# -eq 0 ] || cat "$@"
}
