#!/bin/sh
# In front of the real git of a ticker: ends the ticker at a named step of git's work. LAB_STEP is the step, LAB_COUNT a
# file with the number of times it is to be passed before, LAB_PID the ticker.
for word; do
  case $word in fetch | cat-file | fast-import | push) break ;; esac
  word=
done
real=/usr/bin/git
reached() {
  [ "$LAB_STEP" = "$1" ] || return 1
  read -r left <"$LAB_COUNT"
  echo $((left - 1)) >"$LAB_COUNT"
  [ "$left" -eq 1 ]
}
case $word in
  fetch)
    if reached git-fetch; then
      (sleep 0.01; kill -s KILL "$LAB_PID") &
    fi
    ;;
  cat-file) ! reached git-read || kill -s KILL "$LAB_PID" ;;
  fast-import)
    ! reached git-write || kill -s KILL "$LAB_PID"
    if [ "$LAB_STEP" = git-commit ]; then
      "$real" "$@"
      code=$?
      ! reached git-commit || kill -s KILL "$LAB_PID"
      exit $code
    fi
    ;;
  push)
    case "$*" in
      *refs/heads/*)
        ! reached git-push || kill -s KILL "$LAB_PID"
        if [ "$LAB_STEP" = git-pushed ]; then
          "$real" "$@"
          code=$?
          ! reached git-pushed || kill -s KILL "$LAB_PID"
          exit $code
        fi
        ;;
    esac
    ;;
esac
exec "$real" "$@"
