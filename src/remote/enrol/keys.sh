# Puts one line of ours into authorized_keys, whole or not at all, and leaves every other line as it is.
export LC_ALL=C
umask 077
want={want}
IFS= read -r line <<'TOWLINE'
{line}
TOWLINE
key='{key}'
folder=$HOME/.ssh file=$HOME/.ssh/authorized_keys
done_with() {
  echo "towline-keys $*"
  exit 0
}
[ -n "$HOME" ] && cd && { [ -d "$folder" ] || mkdir "$folder"; } || done_with failed "there is no home folder to write to"
[ ! -L "$file" ] || file=$(readlink -f "$file") || done_with failed "$file leads nowhere"

# How the key stands there: `open` by itself, `locked` behind our gate, `foreign` with words that are not ours.
open=0 locked=0 elsewhere=0 foreign=0 exact=0 tail=
gate=${line%"$key"*}
if [ -e "$file" ]; then
  while IFS= read -r at || { [ -n "$at" ] && tail=1; }; do
    [ "$at" != "$line" ] || exact=$((exact + 1))
    case $at in
      '#'*) ;;
      "$key" | "$key "*) open=$((open + 1)) ;;
      'restrict,command="cd && exec sh '*'/bin/gate" '"$key" | 'restrict,command="cd && exec sh '*'/bin/gate" '"$key "*)
        locked=$((locked + 1))
        case $at in "$gate"*) ;; *) elsewhere=1 ;; esac
        ;;
      *"${key#* }"*) foreign=1 ;;
    esac
  done <"$file"
fi
[ "$foreign" = 0 ] || done_with foreign
[ "$want $elsewhere" != "lock 1" ] || done_with other
found=none
[ "$locked" = 0 ] || found=locked
[ "$open" = 0 ] || found=open
new=$file.towline.$$
trap 'rm -f "$new"' EXIT
case $want in
  open) [ "$((open + locked))" = 0 ] || done_with there open "$found" ;;
  remove) [ "$((open + locked))" != 0 ] || done_with there remove none ;;
  *) [ "$exact $((open + locked))" != "1 1" ] || done_with there "$want" "$found" ;;
esac
if [ -e "$file" ]; then cp -p "$file" "$new"; else : >"$new"; fi || done_with failed "$folder cannot be written"
if [ "$((open + locked))" = 0 ]; then
  [ -z "$tail" ] || echo >>"$new"
else
  while IFS= read -r at || [ -n "$at" ]; do
    case $at in
      "$key" | "$key "* | 'restrict,command="cd && exec sh '*'/bin/gate" '"$key" | 'restrict,command="cd && exec sh '*'/bin/gate" '"$key "*) ;;
      *) printf '%s\n' "$at" ;;
    esac
  done <"$file" >"$new"
fi &&
  { [ "$want" = remove ] || printf '%s\n' "$line" >>"$new"; } &&
  { sync "$new" 2>/dev/null || sync; } &&
  mv -f "$new" "$file" || done_with failed "$file cannot be written"
command -v restorecon >/dev/null 2>&1 && restorecon -F "$file" >/dev/null 2>&1
done_with written "$want" "$found"
