# Writes the owner's `allow` file, whole, where there is none. One that is there is theirs, and stays.
umask 077
cd && mkdir -p {root} && cat >{root}/.allow.$$ <<'TOWLINE' || exit 1
{lines}
TOWLINE
trap 'rm -f {root}/.allow.$$' EXIT
if ln {root}/.allow.$$ {root}/allow 2>/dev/null; then
  sync {root}/allow 2>/dev/null || sync
  echo "towline-allow written"
elif [ "$(cat {root}/allow)" = "$(cat {root}/.allow.$$)" ]; then
  echo "towline-allow there"
else
  echo "towline-allow other"
fi
