# What programs say of their own version. Asked by people who look at a host; ticks do not wait for that.

# One `version NAME WORDS` a line, for the names of the body. A program that hangs, or that nothing could end, says nothing.
versions() {
  told=
  for name in $body; do
    name "$name" && command -v "$name" >/dev/null 2>&1 && [ "$timeout" != none ] || continue
    case $name in
      picoclaw) set -- version ;;
      tmux) set -- -V ;;
      *) set -- --version ;;
    esac
    said=$(timeout -k 1 5 "$name" "$@" 2>/dev/null | tr -d '\000-\010\013-\037' | head -n 20 | cut -c 1-300)
    while IFS= read -r line; do
      case $line in *[0-9].[0-9]*)
        told="${told}version $name $line
"
        break
        ;;
      esac
    done <<END
$said
END
  done
  answer - - "$told"
}
