# The command by which agents talk back. It stands beside the program that brought it, and is as old as that one.

agent_command() {
  echo '#!/bin/sh'
  cat <<'TOWLINE-AGENT'
@agent@
TOWLINE-AGENT
}

# Puts it in its place where it is not there yet: no process otherwise.
kit() {
  [ ! -x "bin/$program.d/towline" ] || return 0
  [ -d "bin/$program.d" ] || mkdir "bin/$program.d"
  agent_command >"bin/$program.d/.new.$$" && chmod 500 "bin/$program.d/.new.$$" &&
    mv -f "bin/$program.d/.new.$$" "bin/$program.d/towline"
} 2>/dev/null
