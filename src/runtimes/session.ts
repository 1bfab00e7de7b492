// What a job keeps on its host from one epoch to the next: the folder its agent works in, and a home of its own with the
// session's record. The host program takes it away when a run ends, unless `kept` in it names that epoch.

/** The beginning of a command, in the run's folder: makes the folder, anew where nothing is resumed → $session */
export const session_folder = `job=\${PWD%/*}
session=\${job%/*/*}/sessions/\${job##*/}
if [ ! -s resume ]; then
  [ ! -S "$session/sock" ] || (cd "$session" && tmux -S ./sock kill-server) 2>/dev/null
  rm -rf "$session"
fi
rm -f "$session/kept"
mkdir -p "$session/work" "$session/home" || exit 73`;

/**
 * With the run's folder, and a file with its answer in JSON: whether the job goes on, and the mark that it does. Coding
 * work goes on after its review, and a question is answered, whether it was asked in an outbox or in the marked block.
 */
export const goes_on = `asks() {
  for file in "$1"/outbox/*ask.md "$session"/work/outbox/*ask.md "$TOWLINE_TREE"/.towline/outbox/*ask.md; do
    [ ! -e "$file" ] || return 0
  done
  return 1
}
has_asked() { asks "$1" || grep -qi '\\\\n *\\([-*] *\\)\\{0,1\\}ask *:' "$2" 2>/dev/null; }
goes_on() { [ -n "$TOWLINE_TREE" ] || has_asked "$1" "$2"; }
keep_session() { echo "\${1##*/} $(date +%s)" >"$session/kept"; }`;
