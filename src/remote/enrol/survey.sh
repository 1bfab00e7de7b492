# What a machine is, before anything is put on it: read by whatever sh is there, on any system.
say() { echo "towline-survey $*"; }
say begin
say system "$(uname -s 2>/dev/null)"
say machine "$(uname -m 2>/dev/null)"
say bits "$(getconf LONG_BIT 2>/dev/null)"
say user "$(id -un 2>/dev/null)"
say sudo "$(command -v sudo 2>/dev/null)"
[ -r /proc/sys/kernel/random/boot_id ] && [ -r /proc/self/stat ] && [ -r /proc/uptime ] && say proc yes
cd 2>/dev/null && say home yes
missing=
for tool in setsid timeout sha256sum mkfifo dd ln od grep sed tail wc tee df; do
  command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done
say missing "$missing"
id= like=
{ while IFS='=' read -r key value; do
  case $key in ID) id=$value ;; ID_LIKE) like=$value ;; esac
done </etc/os-release; } 2>/dev/null
say family "$id $like"
say end
