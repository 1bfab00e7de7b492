# The gate: all that a key of towline can do on this host. Its line in authorized_keys runs this, whatever was asked
# for. It knows two questions by heart, down to the last byte, and lets only these through: to start the host program,
# and to bring a new version of it, where the owner's `allow` file names that one (`program SHA256`, or `program any`).
export LC_ALL=C
asked=$SSH_ORIGINAL_COMMAND
IFS= read -r serve <<'TOWLINE'
{serve}
TOWLINE
IFS= read -r install <<'TOWLINE'
{install}
TOWLINE
IFS= read -r served <<'TOWLINE'
{served}
TOWLINE
allow={root}/allow

no() {
  echo "towline gate: $1" >&2
  exit 77
}

# TEXT → $whole, with $hash in place of each @@
fill() {
  left=$1 whole=
  while [ "$left" != "${left#*@@}" ]; do
    whole=$whole${left%%@@*}$hash left=${left#*@@}
  done
  whole=$whole$left
}

# QUESTION: is that what was asked for? → $hash, the program that it names
is() {
  # shellcheck disable=SC2295
  begun=${asked#"${1%%@@*}"} letters=????????????????
  hash=${begun%"${begun#$letters$letters$letters$letters}"}
  case $hash in '' | *[!0-9a-f]*) return 1 ;; esac
  fill "$1"
  [ "$asked" = "$whole" ]
}

# May the program $hash come? A file that cannot be understood allows nothing.
welcome() {
  found=
  [ -f "$allow" ] || return 1
  while read -r key value rest || [ -n "$key" ]; do
    case $rest in '' | '#'*) ;; *) return 1 ;; esac
    case $key in
      '' | '#'* | pack | runtime | slots) ;;
      program) case $value in any | "$hash") found=1 ;; esac ;;
      *) return 1 ;;
    esac
  done <"$allow"
  [ -n "$found" ]
}

cd || no "there is no home folder"
[ ${#asked} -lt 2000 ] || no "this key may only hold conversations with towline's host program" # no time for the rest
if is "$serve"; then
  # The program is told, in a way that no `sudo` drops: it then hands out no files of this host.
  fill "$served"
  exec sh -c "$whole"
fi
is "$install" || no "this key may only hold conversations with towline's host program"
welcome || {
  cat >/dev/null # or dropbear loses what is said, over the program that nobody reads
  no "the owner of this host does not let a new host program in: \`program $hash\` in $allow would, or \`towline fleet enroll HOST --own-key\`"
}
exec sh -c "$asked"
